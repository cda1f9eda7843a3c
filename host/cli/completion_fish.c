/* Rules for fish, one a line. */
#include "completion.h"

static const char quote[] = "\\'";

static void print_option(const rncl_command *command, const rncl_option *option, FILE *stream)
{
    fprintf(stream, "complete -c rncl -n '__fish_seen_subcommand_from %s' -l %s", command->name,
            option->name);
    switch (rncl_completes_option(option)) {
    case RNCL_COMPLETES_NO_VALUE:
        break;
    case RNCL_COMPLETES_NOTHING:
        fputs(" -x", stream);
        break;
    case RNCL_COMPLETES_FILES:
        fputs(" -r -F", stream);
        break;
    case RNCL_COMPLETES_WORDS:
        fputs(" -x -a '", stream);
        rncl_completion_option_words(option, stream);
        fputc('\'', stream);
        break;
    }
    fputs(" -d '", stream);
    rncl_completion_short_help(option->help, quote, stream);
    fputs("'\n", stream);
}

static void print_argument(const rncl_command *command, FILE *stream)
{
    const rncl_completes what = rncl_completes_argument(command);
    if (what == RNCL_COMPLETES_NOTHING)
        return;
    fprintf(stream, "complete -c rncl -n '__fish_seen_subcommand_from %s'", command->name);
    if (what == RNCL_COMPLETES_FILES) {
        fputs(" -F\n", stream);
        return;
    }
    fputs(" -a '", stream);
    rncl_completion_argument_words(command, stream);
    fputs("'\n", stream);
}

static void print_command(const char *name, const char *summary, FILE *stream)
{
    fprintf(stream, "complete -c rncl -n __fish_use_subcommand -a %s -d '", name);
    rncl_completion_short_help(summary, quote, stream);
    fputs("'\n", stream);
}

void rncl_completion_fish(FILE *stream)
{
    fputs("# Completes rncl's command line in fish; printed by `rncl completion fish`.\n"
          "complete -c rncl -f\n",
          stream);
    for (size_t i = 0; i < rncl_command_count; i++) {
        const rncl_command *command = &rncl_commands[i];
        if (!command->summary)
            continue;
        print_command(command->name, command->summary, stream);
        for (size_t k = 0; k < rncl_option_count; k++)
            if (rncl_option_table[k].commands & command->bit)
                print_option(command, &rncl_option_table[k], stream);
        print_argument(command, stream);
    }
    print_command("help", "Explains a command", stream);
    print_command("version", "Prints the version of rncl", stream);
    fputs("complete -c rncl -n '__fish_seen_subcommand_from help' -a '", stream);
    rncl_completion_commands(stream);
    fputs("'\n", stream);
}
