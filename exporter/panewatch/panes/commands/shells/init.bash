# Lets panewatch know how long commands took and how they ended. It does something only in
# an interactive bash 5.1 or newer inside tmux. What it writes where: docs/commands.md.
if [[ $- == *i* && ${TMUX-} == *,+([0-9]),* && ${TMUX_PANE-} == %+([0-9]) && -n ${HOME-} ]] &&
    [[ ${__panewatch_shell-} != "$$" ]] &&
    ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 501)) && shopt -q promptvars; then
    __panewatch_shell=$$
    __panewatch_began='' __panewatch_last='' __panewatch_word='' __panewatch_bytes=-1
    __panewatch_journal=${TMUX%,*}
    __panewatch_journal=@FOLDER@/${__panewatch_journal##*,}.${TMUX_PANE#%}
    # Bash expands PS0 once for each command line, after it was read and before it runs, and
    # an arithmetic subscript may assign: this needs no trap and starts no process.
    __panewatch_clock='${__panewatch_void[__panewatch_began=${EPOCHREALTIME/[^0-9]/},0]-}'

    __panewatch_report() {
        builtin local code=$? now=${EPOCHREALTIME/[^0-9]/}
        if [[ -z $__panewatch_began && $__panewatch_bytes != -1 && -n ${PS0-} &&
            ${PROMPT_COMMAND[0]-} == __panewatch_report* ]]; then
            return "$code"
        fi
        { builtin local -; builtin set +euvx; } 2>/dev/null
        builtin local began=$__panewatch_began line='' number
        __panewatch_began=''
        {
            # Whoever sets these anew does not mean us.
            [[ ${PS0-} == *"$__panewatch_clock"* ]] || PS0=${PS0-}$__panewatch_clock
            [[ ${PROMPT_COMMAND[0]-} == __panewatch_report* ]] || __panewatch_hook
            if [[ -z $began && $__panewatch_bytes != -1 ]]; then
                return "$code"
            fi
            # In a folder that others can change, a link could lead what is written anywhere.
            if [[ -L $__panewatch_journal || -L $__panewatch_journal.line ]] ||
                [[ -e ${__panewatch_journal%/*} && ! -O ${__panewatch_journal%/*} ]]; then
                return "$code"
            fi
            if [[ ! -f $__panewatch_journal || ! -f $__panewatch_journal.line ]]; then
                command sh -c @OPEN@ sh "$__panewatch_journal" "$__panewatch_journal.line" \
                    </dev/null >/dev/null
                [[ -O $__panewatch_journal && ! -L ${__panewatch_journal%/*} ]] || return "$code"
            fi
            # Bash tells its history to files only; to ask for it by $(...) would cost a process,
            # and to empty a file each time makes some file systems wait for the disk.
            {
                HISTTIMEFORMAT='' builtin history 1
                builtin printf '\0'
            } 1<>"$__panewatch_journal.line"
            IFS='' builtin read -r -d '' -n 560 line <"$__panewatch_journal.line"
            line=${line#"${line%%[! ]*}"} line=${line%$'\n'}
            number=${line%%[* ]*}
            if [[ $line == "$__panewatch_last" ]]; then
                # It is not in the history: the same again, or one that is to stay unknown.
                [[ ${HISTCONTROL-} == @(*ignoredups*|*ignoreboth*|*erasedups*) &&
                    ${1-} == "$__panewatch_word" ]] || line=$number
            else
                __panewatch_last=$line
            fi
            __panewatch_word=${1-}
            line=${line#"$number"} line=${line#[* ]} line=${line# } line=${line:0:500}
            line=${line//\\/\\\\} line=${line//$'\n'/\\n}
            if ((__panewatch_bytes > 65536)); then
                builtin : >|"$__panewatch_journal"
                __panewatch_bytes=0
            fi
            if [[ -n $began ]]; then
                builtin printf 'E\t%s\t%s\t%s\t%s\t%s\n' "$$" "$now" "$((now - began))" \
                    "$code" "$line" >>"$__panewatch_journal"
            else
                builtin printf 'H\t%s\n' "$$" >>"$__panewatch_journal"
            fi
            __panewatch_bytes=$((__panewatch_bytes + 2 * ${#line} + 50))
        } 2>/dev/null
        return "$code"
    }

    # First, to see how the command ended before anybody else spends time; and last, for whoever
    # sets PROMPT_COMMAND as if it were no array takes the first one away.
    __panewatch_hook() {
        local hook kept=()
        for hook in "${PROMPT_COMMAND[@]}"; do
            [[ $hook == '__panewatch_report "$_"' ]] || kept+=("$hook")
        done
        PROMPT_COMMAND=('__panewatch_report "$_"' "${kept[@]}" '__panewatch_report "$_"')
    }
    __panewatch_hook
fi
