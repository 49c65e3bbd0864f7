umask 077
mkdir -p "${1%/*}" || exit
for file; do [ -L "$file" ] || : >>"$file"; done
exec find "${1%/*}/." ! -name . -prune -type f -name "[0-9]*.*[0-9e]" "(" ! -name "*[!0-9.]*" ! -name "*.*.*" -o -name "*[0-9].line" ! -name "*[!0-9.]*.line" ! -name "*.*.*.line" ")" "(" -mtime +6 -o -size +128k ")" -exec rm -f {} +
