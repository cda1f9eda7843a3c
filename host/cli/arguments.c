/* libpopt splits the command line; the option table says what there is to split. */
#include "arguments.h"

#include <popt.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

enum { HELP = 1, HELP_ALL, FIRST_ROW, MOST_OPTIONS = RNCL_MOST_OPTIONS + 3 }; /* both helps and the end */

/* How popt takes a value of each kind. */
static const unsigned popt_kinds[] = {
    [RNCL_OPTION_TEXT] = POPT_ARG_STRING,
    [RNCL_OPTION_INT] = POPT_ARG_STRING,
    [RNCL_OPTION_FLOAT] = POPT_ARG_STRING,
    [RNCL_OPTION_SEED] = POPT_ARG_STRING,
    [RNCL_OPTION_SWITCH] = POPT_ARG_STRING | POPT_ARGFLAG_OPTIONAL,
    [RNCL_OPTION_FLAG] = POPT_ARG_NONE,
    [RNCL_OPTION_CHOICE] = POPT_ARG_STRING,
    [RNCL_OPTION_FLOATS] = POPT_ARG_STRING,
};

/* A switch alone means on, unless its two sides have names of their own. */
static unsigned popt_kind(const rncl_option *option)
{
    return option->kind == RNCL_OPTION_SWITCH && option->choices ? POPT_ARG_STRING : popt_kinds[option->kind];
}

static bool takes(const rncl_command *command, const rncl_option *option)
{
    return (option->commands & command->bit) != 0;
}

/* popt's own table, ended by a zeroed row; popt returns the row's number behind FIRST_ROW. */
static void fill_popt_table(const rncl_command *command, struct poptOption table[MOST_OPTIONS])
{
    size_t count = 0;
    table[count++] = (struct poptOption){.longName = "help", .shortName = 'h', .val = HELP};
    table[count++] = (struct poptOption){.longName = "help-all", .val = HELP_ALL};
    for (size_t i = 0; i < rncl_option_count && count < MOST_OPTIONS - 1; i++) {
        const rncl_option *option = &rncl_option_table[i];
        if (takes(command, option))
            table[count++] = (struct poptOption){
                .longName = option->name, .argInfo = popt_kind(option), .val = FIRST_ROW + (int)i};
    }
    table[count] = (struct poptOption){0};
}

static rncl_status fail_unknown(const rncl_command *command, const char *given)
{
    const char *names[MOST_OPTIONS];
    size_t count = 0;
    names[count++] = "help";
    names[count++] = "help-all";
    for (size_t i = 0; i < rncl_option_count && count < COUNT(names); i++)
        if (takes(command, &rncl_option_table[i]))
            names[count++] = rncl_option_table[i].name;
    char *name = strdup(given + strspn(given, "-"));
    if (!name)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "name of an option");
    name[strcspn(name, "=")] = '\0';
    const char *nearest = rncl_option_nearest(name, names, count);
    free(name);
    const int given_length = (int)strcspn(given, "=");
    if (!nearest)
        return RNCL_FAIL(RNCL_ERR_USAGE, "unknown option %.*s; `rncl %s --help` lists those that there are",
                         given_length, given, command->name);
    return RNCL_FAIL(RNCL_ERR_USAGE, "unknown option %.*s; did you mean --%s? `rncl %s --help` lists all",
                     given_length, given, nearest, command->name);
}

static rncl_status fail_popt(const rncl_command *command, poptContext popt, int error)
{
    const char *given = poptBadOption(popt, POPT_BADOPTION_NOALIAS);
    if (error == POPT_ERROR_BADOPT)
        return fail_unknown(command, given);
    if (error == POPT_ERROR_NOARG)
        return RNCL_FAIL(RNCL_ERR_USAGE, "%s needs a value; `rncl %s --help` says which", given,
                         command->name);
    return RNCL_FAIL(RNCL_ERR_USAGE, "%s: %s; see `rncl %s --help`", given, poptStrerror(error),
                     command->name);
}

static rncl_status set_defaults(const rncl_command *command, rncl_options *options)
{
    rncl_options_init(options);
    for (size_t i = 0; i < RNCL_COMMAND_DEFAULTS && command->defaults[i].option; i++) {
        const rncl_option *option = rncl_option_find(command->defaults[i].option, command->bit);
        RNCL_TRY(rncl_options_set(options, option, command->defaults[i].text, RNCL_FROM_DEFAULT));
    }
    return RNCL_OK;
}

/* Adds "name=values" to the grid of a command that takes lists. */
static rncl_status add_to_grid(const rncl_option *option, const char *text, rncl_options *options)
{
    const size_t length = strlen(options->grid), room = sizeof options->grid - length;
    if (strcspn(text, " =") != strlen(text))
        return RNCL_FAIL(RNCL_ERR_USAGE, "--%s %.60s: give values with commas between them", option->name,
                         text);
    if ((size_t)snprintf(options->grid + length, room, "%s%s=%s", length ? " " : "", option->name, text) >=
        room)
        return RNCL_FAIL(RNCL_ERR_USAGE, "--%s: more values than there is room for", option->name);
    return RNCL_OK;
}

/* An empty value is mostly a variable of the shell that is not set. It must not pass for an option that was
 * not given, which would train on other data or begin a new run. */
static rncl_status set_option(const rncl_command *command, const rncl_option *option, const char *text,
                              rncl_options *options)
{
    if (!*text && !option->may_be_empty)
        return RNCL_FAIL(RNCL_ERR_USAGE, "--%s: its value is empty; give one, or leave the option out",
                         option->name);
    if (command->lists && option->in_config)
        return add_to_grid(option, text, options);
    return rncl_options_set(options, option, text, RNCL_FROM_COMMAND_LINE);
}

/* What has no name: the one argument of the command, or any number of them. */
static rncl_status read_arguments(const rncl_command *command, poptContext popt, rncl_options *options)
{
    if (command->argument && poptPeekArg(popt))
        RNCL_TRY(set_option(command, rncl_option_find(command->argument, command->bit), poptGetArg(popt),
                            options));
    const char **given = poptGetArgs(popt); /* those that are left; popt's own */
    if (!given)
        return RNCL_OK;
    if (!command->arguments)
        return RNCL_FAIL(RNCL_ERR_USAGE, "rncl %s takes no argument `%s`; see `rncl %s --help`",
                         command->name, given[0], command->name);
    int count = 0;
    while (given[count])
        count++;
    options->arguments = calloc((size_t)count + 1, sizeof *options->arguments);
    for (; options->arguments && options->argument_count < count; options->argument_count++) {
        char *copy = strdup(given[options->argument_count]);
        if (!copy)
            break;
        options->arguments[options->argument_count] = copy;
    }
    return options->argument_count == count ? RNCL_OK : RNCL_FAIL(RNCL_ERR_MEMORY, "%d arguments", count);
}

void rncl_arguments_free(rncl_options *options)
{
    for (int i = 0; i < options->argument_count; i++)
        free(options->arguments[i]);
    free(options->arguments);
    options->arguments = NULL;
    options->argument_count = 0;
}

/* Whether the option stands somewhere without a value behind it. */
static bool stands_alone(const char *name, int argc, const char **argv)
{
    for (int i = 1; i < argc; i++)
        if (!strncmp(argv[i], "--", 2) && !strcmp(argv[i] + 2, name) &&
            (i + 1 == argc || argv[i + 1][0] == '-'))
            return true;
    return false;
}

/* popt gives no value where there is none, and also where it had no memory to copy it. */
static rncl_status take_option(const rncl_command *command, const rncl_option *option, char *text, int argc,
                               const char **argv, rncl_options *options)
{
    if (!text && option->kind != RNCL_OPTION_FLAG && !stands_alone(option->name, argc, argv))
        return RNCL_FAIL(RNCL_ERR_MEMORY, "--%s: no memory for its value", option->name);
    return set_option(command, option, text ? text : "on", options);
}

static rncl_status read_options(const rncl_command *command, poptContext popt, int argc, const char **argv,
                                rncl_options *options, rncl_help_wish *help)
{
    int value;
    while ((value = poptGetNextOpt(popt)) > 0) {
        if (value < FIRST_ROW) {
            *help = value == HELP ? RNCL_HELP_SHORT : RNCL_HELP_ALL;
            return RNCL_OK;
        }
        char *text = poptGetOptArg(popt);
        const rncl_status st =
            take_option(command, &rncl_option_table[value - FIRST_ROW], text, argc, argv, options);
        free(text);
        RNCL_TRY(st);
    }
    if (value < -1)
        return fail_popt(command, popt, value);
    return read_arguments(command, popt, options);
}

rncl_status rncl_arguments_parse(const rncl_command *command, int argc, const char **argv,
                                 rncl_options *options, rncl_help_wish *help)
{
    *help = RNCL_HELP_NONE;
    RNCL_TRY(set_defaults(command, options));
    struct poptOption table[MOST_OPTIONS];
    fill_popt_table(command, table);
    poptContext popt = poptGetContext(NULL, argc, argv, table, 0);
    if (!popt)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "the command line");
    rncl_status st = read_options(command, popt, argc, argv, options, help);
    poptFreeContext(popt);
    RNCL_TRY(st);
    /* The command line has been read, but what it says is stronger and stays. */
    if (!*help && options->config[0])
        return rncl_options_take_config(options, options->config, command->bit);
    return RNCL_OK;
}
