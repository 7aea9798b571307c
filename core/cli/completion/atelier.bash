# SPDX-License-Identifier: GPL-3.0-or-later
#
# Completion of 'atelier' in bash: the program itself knows what can stand where.

_atelier ()
{
  local current=${COMP_WORDS[COMP_CWORD]} lines line
  # A home that begins with ~ is not spelled out before completion is done.
  mapfile -t lines < <("${COMP_WORDS[0]/#\~/$HOME}" --complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2> /dev/null)

  COMPREPLY=()
  for line in "${lines[@]:1}"; do
    COMPREPLY+=("${line%%$'\t'*}")
  done

  [ "$current" != = ] || current=
  case ${lines[0]} in
    files) compopt -o filenames 2> /dev/null; mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "$current") ;;
    folders) compopt -o filenames 2> /dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
  esac
}

complete -F _atelier atelier
