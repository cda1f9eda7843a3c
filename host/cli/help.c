/* Help is made from the option table and wrapped to the terminal, at most 80 columns. */
#include "help.h"

#include <string.h>

#include "meter.h"
#include "util.h"

enum { WIDEST = 80, OPTION_COLUMN = 2, HELP_COLUMN = 24, FEW_OPTIONS = 8 };

const char *const rncl_help_groups[RNCL_GROUP_COUNT] = {
    [RNCL_GROUP_DATA] = "data",
    [RNCL_GROUP_NETWORK] = "network",
    [RNCL_GROUP_OPTIMISATION] = "optimisation",
    [RNCL_GROUP_REGULARISATION] = "regularisation",
    [RNCL_GROUP_AUGMENTATION] = "augmentation",
    [RNCL_GROUP_FINE_TUNING] = "fine-tuning",
    [RNCL_GROUP_RUN] = "run and checkpoints",
    [RNCL_GROUP_DEVICE] = "device and speed",
    [RNCL_GROUP_OUTPUT] = "output",
};

/* What is being printed, and how. */
typedef struct page {
    const rncl_command *command;
    FILE *stream;
    int width, help_column;
    bool common_only;
} page;

const char *rncl_help_default(const rncl_command *command, const rncl_option *option)
{
    if (command->lists && option->in_config) /* what a sweep does not vary is the runs' own matter */
        return NULL;
    for (size_t i = 0; i < RNCL_COMMAND_DEFAULTS && command->defaults[i].option; i++)
        if (!strcmp(command->defaults[i].option, option->name))
            return command->defaults[i].text;
    return option->default_text;
}

static bool takes(const page *p, const rncl_option *option)
{
    return (option->commands & p->command->bit) != 0;
}

static bool explains(const page *p, const rncl_option *option)
{
    return takes(p, option) && (!p->common_only || option->common);
}

void rncl_help_left(const rncl_option *option, char *text, size_t size)
{
    size_t length = (size_t)snprintf(text, size, "--%s", option->name);
    if (option->value && length < size)
        snprintf(text + length, size - length, " %s", option->value);
    else if (option->kind == RNCL_OPTION_SWITCH && !option->choices && length < size)
        snprintf(text + length, size - length, " on|off");
    for (size_t i = 0; option->choices && option->choices[i] && length < size; i++)
        length += (size_t)snprintf(text + length, size - length, "%c%s", i ? '|' : ' ', option->choices[i]);
}

/* Writes words from where a line stands, broken so that they stay within the width and begin at `indent`. */
static void print_wrapped(const page *p, const char *words, int indent, int column)
{
    bool first = true;
    while (*words) {
        const int length = (int)strcspn(words, " ");
        if (!first && column + 1 + length > p->width) {
            fprintf(p->stream, "\n%*s", indent, "");
            column = indent;
            first = true;
        }
        fprintf(p->stream, "%s%.*s", first ? "" : " ", length, words);
        column += length + !first;
        first = false;
        words += length;
        words += strspn(words, " ");
    }
    fputc('\n', p->stream);
}

static void print_row(const page *p, const char *left, const char *help, const char *default_text)
{
    char words[1024];
    const bool has_default = default_text && *default_text;
    snprintf(words, sizeof words, "%s%s%s%s", help, has_default ? " (default " : "",
             has_default ? default_text : "", has_default ? ")" : "");
    const int length = fprintf(p->stream, "%*s%s", OPTION_COLUMN, "", left);
    if (length + 2 <= p->help_column)
        fprintf(p->stream, "%*s", p->help_column - length, "");
    else
        fprintf(p->stream, "\n%*s", p->help_column, "");
    print_wrapped(p, words, p->help_column, p->help_column);
}

static void print_option(const page *p, const rncl_option *option)
{
    char left[256];
    rncl_help_left(option, left, sizeof left);
    print_row(p, left, option->help, rncl_help_default(p->command, option));
}

/* How many options the command takes; the group's alone, unless it is RNCL_GROUP_COUNT. */
static size_t count_options(const page *p, rncl_option_group group)
{
    size_t count = 0;
    for (size_t i = 0; i < rncl_option_count; i++) {
        const rncl_option *option = &rncl_option_table[i];
        count += explains(p, option) && (group == RNCL_GROUP_COUNT || option->group == group);
    }
    return count;
}

static void print_group(const page *p, rncl_option_group group)
{
    if (!count_options(p, group))
        return;
    fprintf(p->stream, "\n%s:\n", rncl_help_groups[group]);
    for (size_t i = 0; i < rncl_option_count; i++)
        if (explains(p, &rncl_option_table[i]) && rncl_option_table[i].group == group)
            print_option(p, &rncl_option_table[i]);
}

static void print_options(const page *p)
{
    if (count_options(p, RNCL_GROUP_COUNT) > FEW_OPTIONS) {
        for (int group = 0; group < RNCL_GROUP_COUNT; group++)
            print_group(p, (rncl_option_group)group);
        return;
    }
    fprintf(p->stream, "\noptions:\n");
    for (size_t i = 0; i < rncl_option_count; i++)
        if (explains(p, &rncl_option_table[i]))
            print_option(p, &rncl_option_table[i]);
}

/* The options that short help does not explain: names and defaults. */
static void print_others(const page *p)
{
    fprintf(p->stream, "\nmore, with their defaults; `rncl %s --help-all` explains them:\n",
            p->command->name);
    for (int group = 0; group < RNCL_GROUP_COUNT; group++) {
        char words[2048];
        size_t length = 0;
        for (size_t i = 0; i < rncl_option_count && length < sizeof words; i++) {
            const rncl_option *option = &rncl_option_table[i];
            if (!takes(p, option) || explains(p, option) || option->group != (rncl_option_group)group)
                continue;
            const char *text = rncl_help_default(p->command, option);
            const bool has_default = text && *text;
            length += (size_t)snprintf(words + length, sizeof words - length, "%s--%s%s%s", length ? " " : "",
                                       option->name, has_default ? "=" : "", has_default ? text : "");
        }
        if (!length)
            continue;
        fprintf(p->stream, "%*s%-*s", OPTION_COLUMN, "", p->help_column - OPTION_COLUMN,
                rncl_help_groups[group]);
        print_wrapped(p, words, p->help_column, p->help_column);
    }
}

const char *rncl_help_argument(const rncl_command *command)
{
    return command->argument ? rncl_option_find(command->argument, command->bit)->value : command->arguments;
}

void rncl_help_print(const rncl_command *command, bool all, FILE *stream)
{
    page p = {.command = command, .stream = stream, .common_only = command->many_options && !all};
    p.width = (int)MIN(rncl_stream_width(stream), (size_t)WIDEST);
    p.help_column = p.width >= 2 * HELP_COLUMN ? HELP_COLUMN : 2 * OPTION_COLUMN;
    const char *argument = rncl_help_argument(command);
    if (command->lists) /* behind its own options */
        fprintf(stream, "usage: rncl %s [options] %s\n\n", command->name, argument);
    else
        fprintf(stream, "usage: rncl %s%s%s [options]\n\n", command->name, argument ? " " : "",
                argument ? argument : "");
    print_wrapped(&p, command->summary, 0, 0);
    print_options(&p);
    print_row(&p, "-h, --help", "this text", NULL);
    if (command->many_options)
        print_row(&p, "--help-all", "the same with all options explained", NULL);
    if (p.common_only)
        print_others(&p);
    fprintf(stream, "\nexample:\n  %s\n", command->example);
}
