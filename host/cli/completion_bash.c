/* A function for bash: the word before the cursor, with the command, chooses what is offered. bash splits at
 * "=", so that the name before it is two words back. */
#include "completion.h"

static const char files[] =
    "mapfile -t COMPREPLY < <(compgen -f -- \"$current\"); compopt -o filenames 2>/dev/null; "
    "return ;;";

/* What comes behind an option of this command. */
static void print_value(const rncl_command *command, const rncl_option *option, FILE *stream)
{
    const rncl_completes what = rncl_completes_option(option);
    if (what == RNCL_COMPLETES_NO_VALUE)
        return;
    fprintf(stream, "    %s:--%s) ", command->name, option->name);
    if (what == RNCL_COMPLETES_FILES) {
        fprintf(stream, "%s\n", files);
        return;
    }
    fputs("words='", stream);
    if (what == RNCL_COMPLETES_WORDS)
        rncl_completion_option_words(option, stream);
    fputs("' ;;\n", stream);
}

static void print_values(const rncl_command *command, FILE *stream)
{
    for (size_t i = 0; i < rncl_option_count; i++)
        if (rncl_option_table[i].commands & command->bit)
            print_value(command, &rncl_option_table[i], stream);
}

/* What else may stand there: the names of options, and arguments. */
static void print_names(const rncl_command *command, FILE *stream)
{
    fprintf(stream, "        %s:-*) words='--help%s", command->name,
            command->many_options ? " --help-all" : "");
    for (size_t i = 0; i < rncl_option_count; i++)
        if (rncl_option_table[i].commands & command->bit)
            fprintf(stream, " --%s", rncl_option_table[i].name);
    fputs("' ;;\n", stream);
    const rncl_completes what = rncl_completes_argument(command);
    if (what == RNCL_COMPLETES_FILES)
        fprintf(stream, "        %s:*) %s\n", command->name, files);
    if (what != RNCL_COMPLETES_WORDS)
        return;
    fprintf(stream, "        %s:*) words='", command->name);
    rncl_completion_argument_words(command, stream);
    fputs("' ;;\n", stream);
}

void rncl_completion_bash(FILE *stream)
{
    fputs("# Completes rncl's command line in bash; printed by `rncl completion bash`.\n"
          "_rncl() {\n"
          "    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words=\n"
          "    if [[ $current == = ]]; then\n"
          "        current=\n"
          "    elif [[ $before == = ]]; then\n"
          "        before=${COMP_WORDS[COMP_CWORD - 2]}\n"
          "    fi\n"
          "    case ${COMP_WORDS[1]}:$before in\n",
          stream);
    for (size_t i = 0; i < rncl_command_count; i++)
        if (rncl_commands[i].summary)
            print_values(&rncl_commands[i], stream);
    fputs("    *)\n        case ${COMP_WORDS[1]}:$current in\n", stream);
    for (size_t i = 0; i < rncl_command_count; i++)
        if (rncl_commands[i].summary)
            print_names(&rncl_commands[i], stream);
    fputs("        help:*) words='", stream);
    rncl_completion_commands(stream);
    fputs("' ;;\n        esac\n        ;;\n    esac\n    [[ $COMP_CWORD -gt 1 ]] || words='", stream);
    rncl_completion_commands(stream);
    fputs("'\n"
          "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
          "}\n"
          "complete -F _rncl rncl\n",
          stream);
}
