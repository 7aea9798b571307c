# SPDX-License-Identifier: GPL-3.0-or-later
#
# Completion of 'atelier' in fish: the program itself knows what can stand where.

function __atelier_complete
    set -l program (commandline -opc)
    set -l token (commandline -ct)
    set -l words $program $token
    set -e words[1]
    set -l lines ($program[1] --complete $words 2> /dev/null)
    set -l places $lines[1]
    set -e lines[1]
    # fish wants the whole word back, '--output=photo.jpg'.
    set -l kept (string match -r -- '^--[^=]+=' $token)
    set -l typed (string replace -r -- '^--[^=]+=' '' $token)

    printf '%s\n' $lines
    switch "$places"
        case files
            printf '%s\n' "$kept"(__fish_complete_path $typed)
        case folders
            printf '%s\n' "$kept"(__fish_complete_directories $typed)
    end
end

complete -c atelier -f -a '(__atelier_complete)'
