# Lets panewatch know how long commands took and how they ended. It does something only in
# an interactive fish inside tmux. What it writes where: docs/commands.md.
if status is-interactive; and test -n "$HOME"
    and string match -qr '^.*,\d+,' -- "$TMUX"; and string match -qr '^%\d+$' -- "$TMUX_PANE"
    set -g __panewatch_journal @FOLDER@/(string replace -r '^.*,(\d+),[^,]*$' '$1' -- $TMUX).(string sub -s 2 -- $TMUX_PANE)
    set -g __panewatch_told

    function __panewatch_write
        # In a folder that others can change, a link could lead what is written anywhere.
        set -l folder (string replace -r '/[^/]*$' '' -- $__panewatch_journal)
        test -L $__panewatch_journal; and return 0
        test -e $folder; and not test -O $folder; and return 0
        if not test -f $__panewatch_journal
            command sh -c @OPEN@ sh $__panewatch_journal </dev/null >/dev/null 2>/dev/null
            test -O $__panewatch_journal; and not test -L $folder
            or return 0
        end
        if set -q __panewatch_told[200]
            : >$__panewatch_journal 2>/dev/null
            set -g __panewatch_told
        end
        begin
            printf '%s\n' $argv[1] >>$__panewatch_journal
        end 2>/dev/null
        set -a __panewatch_told .
    end

    # Fish has no clock of its own; the file's time tells when a line was written.
    function __panewatch_preexec --on-event fish_preexec
        string match -qr '\S' -- $argv[1]; or return
        # A line that the history is not to know is not told either.
        set -g __panewatch_line ''
        if not set -q fish_private_mode; and not string match -qr '^\s' -- $argv[1]
            set __panewatch_line (string sub -l 500 -- $argv[1] | string replace -a '\\' '\\\\' | string join '\\n')
        end
        __panewatch_write S\t$fish_pid\t0\t$__panewatch_line
    end

    function __panewatch_postexec --on-event fish_postexec
        set -l code $status
        string match -qr '\S' -- $argv[1]; or return
        __panewatch_write E\t$fish_pid\t0\t"$CMD_DURATION"000\t$code\t$__panewatch_line
    end

    function __panewatch_hello --on-event fish_prompt
        functions -e __panewatch_hello
        __panewatch_write H\t$fish_pid
    end
end
