/* A function for zsh, which the shell finds in its fpath, or sources: _arguments knows how options are given.
 */
#include "completion.h"

static const char quote[] = "'\\''";

static void print_option(const rncl_option *option, FILE *stream)
{
    const rncl_completes what = rncl_completes_option(option);
    fprintf(stream, "            '--%s%s[", option->name, what == RNCL_COMPLETES_NO_VALUE ? "" : "=");
    rncl_completion_short_help(option->help, quote, stream);
    fputc(']', stream);
    if (what != RNCL_COMPLETES_NO_VALUE)
        fprintf(stream, ":%s:", option->value ? option->value : "choice");
    if (what == RNCL_COMPLETES_FILES)
        fputs("_files", stream);
    if (what == RNCL_COMPLETES_WORDS) {
        fputc('(', stream);
        rncl_completion_option_words(option, stream);
        fputc(')', stream);
    }
    fputs("' \\\n", stream);
}

static void print_command(const rncl_command *command, FILE *stream)
{
    fprintf(stream, "    %s)\n        _arguments \\\n", command->name);
    for (size_t i = 0; i < rncl_option_count; i++)
        if (rncl_option_table[i].commands & command->bit)
            print_option(&rncl_option_table[i], stream);
    if (command->many_options)
        fputs("            '--help-all[explain all options]' \\\n", stream);
    if (rncl_completes_argument(command) == RNCL_COMPLETES_FILES)
        fputs("            '*:file:_files' \\\n", stream);
    if (rncl_completes_argument(command) == RNCL_COMPLETES_WORDS) {
        fputs("            '1:choice:(", stream);
        rncl_completion_argument_words(command, stream);
        fputs(")' \\\n", stream);
    }
    fputs("            '--help[explain the command]'\n        ;;\n", stream);
}

void rncl_completion_zsh(FILE *stream)
{
    fputs("#compdef rncl\n"
          "# Completes rncl's command line in zsh; printed by `rncl completion zsh`.\n"
          "_rncl() {\n"
          "    local -a commands\n"
          "    commands=(\n",
          stream);
    for (size_t i = 0; i < rncl_command_count; i++) {
        if (!rncl_commands[i].summary)
            continue;
        fprintf(stream, "        '%s:", rncl_commands[i].name);
        rncl_completion_short_help(rncl_commands[i].summary, quote, stream);
        fputs("'\n", stream);
    }
    fputs("        'help:Explains a command'\n        'version:Prints the version of rncl'\n"
          "    )\n"
          "    if ((CURRENT == 2)) || [[ $words[2] == help ]]; then\n"
          "        _describe command commands\n"
          "        return\n"
          "    fi\n"
          "    local command=$words[2]\n"
          "    shift words\n"
          "    ((CURRENT--))\n"
          "    case $command in\n",
          stream);
    for (size_t i = 0; i < rncl_command_count; i++)
        if (rncl_commands[i].summary)
            print_command(&rncl_commands[i], stream);
    fputs("    esac\n"
          "}\n"
          "if [[ $funcstack[1] == _rncl ]]; then\n"
          "    _rncl \"$@\"\n"
          "else\n"
          "    compdef _rncl rncl\n"
          "fi\n",
          stream);
}
