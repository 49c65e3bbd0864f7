# Lets panewatch know how long commands took and how they ended. It does something only in
# an interactive zsh inside tmux. What it writes where: docs/commands.md.
if [[ -o interactive && ${TMUX-} == *,<->,* && ${TMUX_PANE-} == %<-> && -n ${HOME-} ]] &&
    [[ ${__panewatch_shell-} != $$ ]] && zmodload zsh/datetime 2>/dev/null; then
    typeset -g __panewatch_shell=$$
    typeset -gi __panewatch_began=0 __panewatch_bytes=-1
    typeset -g __panewatch_line= __panewatch_journal=${TMUX%,*}
    __panewatch_journal=@FOLDER@/${__panewatch_journal##*,}.${TMUX_PANE#%}

    __panewatch_preexec() {
        # A line that the history is not to know is not told either.
        if [[ -o hist_ignore_space && $1 == [[:space:]]* ]] ||
            [[ -n ${HISTORY_IGNORE-} && $1 == ${~HISTORY_IGNORE} ]]; then
            __panewatch_line=
        else
            __panewatch_line=$1
        fi
        emulate -L zsh
        __panewatch_line=${__panewatch_line[1,500]}
        __panewatch_line=${${__panewatch_line//\\/\\\\}//$'\n'/\\n}
        (( __panewatch_began = EPOCHREALTIME * 1000000 ))
        __panewatch_write "S"$'\t'$$$'\t'$__panewatch_began$'\t'$__panewatch_line
    }

    __panewatch_precmd() {
        local -i code=$?
        emulate -L zsh
        local -i now
        (( now = EPOCHREALTIME * 1000000 ))
        if (( __panewatch_began )); then
            __panewatch_write "E"$'\t'$$$'\t'$now$'\t'$(( now - __panewatch_began ))$'\t'$code$'\t'$__panewatch_line
            __panewatch_began=0
        elif (( __panewatch_bytes < 0 )); then
            __panewatch_bytes=0
            __panewatch_write "H"$'\t'$$
        fi
        return code
    }

    __panewatch_write() {
        {
            # In a folder that others can change, a link could lead what is written anywhere.
            if [[ -L $__panewatch_journal ]] ||
                [[ -e ${__panewatch_journal%/*} && ! -O ${__panewatch_journal%/*} ]]; then
                return 0
            fi
            if [[ ! -f $__panewatch_journal ]]; then
                command sh -c @OPEN@ sh $__panewatch_journal </dev/null >/dev/null
                [[ -O $__panewatch_journal && ! -L ${__panewatch_journal%/*} ]] || return 0
            fi
            if (( __panewatch_bytes > 65536 )); then
                : >|$__panewatch_journal
                __panewatch_bytes=0
            fi
            print -r -- $1 >>|$__panewatch_journal
            (( __panewatch_bytes += 2 * $#1 + 2 ))
        } 2>/dev/null
    }

    typeset -ga preexec_functions precmd_functions
    preexec_functions+=(__panewatch_preexec)
    # First, to see the end before anybody else spends time.
    precmd_functions=(__panewatch_precmd "${precmd_functions[@]}")
fi
