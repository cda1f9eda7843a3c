/* rncl completion: a table of shells, and what their scripts have in common. */
#include "completion.h"

#include <ctype.h>
#include <string.h>

#include "help.h"
#include "util.h"

rncl_completes rncl_completes_option(const rncl_option *option)
{
    static const char *const places[] = {"FILE", "DIR", "RUN"};
    if (option->kind == RNCL_OPTION_FLAG)
        return RNCL_COMPLETES_NO_VALUE;
    if (option->choices || option->kind == RNCL_OPTION_SWITCH)
        return RNCL_COMPLETES_WORDS;
    for (size_t i = 0; i < COUNT(places); i++)
        if (option->value && strstr(option->value, places[i]))
            return RNCL_COMPLETES_FILES;
    return RNCL_COMPLETES_NOTHING;
}

/* Placeholders are in capitals; what is to be typed as it stands is not. */
rncl_completes rncl_completes_argument(const rncl_command *command)
{
    const char *argument = rncl_help_argument(command);
    if (!argument)
        return RNCL_COMPLETES_NOTHING;
    return islower((unsigned char)*argument) ? RNCL_COMPLETES_WORDS : RNCL_COMPLETES_FILES;
}

void rncl_completion_option_words(const rncl_option *option, FILE *stream)
{
    if (!option->choices)
        fputs("on off", stream);
    for (size_t i = 0; option->choices && option->choices[i]; i++)
        fprintf(stream, "%s%s", i ? " " : "", option->choices[i]);
}

void rncl_completion_argument_words(const rncl_command *command, FILE *stream)
{
    for (const char *c = rncl_help_argument(command); *c; c++)
        fputc(*c == '|' ? ' ' : *c, stream);
}

void rncl_completion_commands(FILE *stream)
{
    for (size_t i = 0; i < rncl_command_count; i++)
        if (rncl_commands[i].summary)
            fprintf(stream, "%s ", rncl_commands[i].name);
    fputs("help version", stream);
}

void rncl_completion_short_help(const char *help, const char *quote, FILE *stream)
{
    size_t length = strcspn(help, ";:([");
    while (length && help[length - 1] == ' ')
        length--;
    for (size_t i = 0; i < length; i++)
        if (help[i] == '\'')
            fputs(quote, stream);
        else
            fputc(help[i], stream);
}

static const struct shell {
    const char *name;
    void (*print)(FILE *stream);
} shells[] = {
    {"bash", rncl_completion_bash},
    {"zsh", rncl_completion_zsh},
    {"fish", rncl_completion_fish},
};

rncl_status rncl_completion_run(rncl_options *options)
{
    if (options->argument_count != 1)
        return RNCL_FAIL(RNCL_ERR_USAGE, "rncl completion needs a shell: bash, zsh or fish");
    for (size_t i = 0; i < COUNT(shells); i++)
        if (!strcmp(options->arguments[0], shells[i].name)) {
            shells[i].print(stdout);
            return RNCL_OK;
        }
    return RNCL_FAIL(RNCL_ERR_USAGE, "rncl completion knows bash, zsh and fish, and no %s",
                     options->arguments[0]);
}
