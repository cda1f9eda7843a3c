/* rncl man-pages DIR: a manual page for rncl and one for each command, from the tables that --help is made
 * from. For the build, which installs them. */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "file.h"
#include "help.h"
#include "rncl/version.h"
#include "util.h"

/* Text as roff takes it: no backslashes, no dash that becomes a hyphen, no line that begins like a request.
 */
static void print_text(FILE *stream, const char *text)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", stream);
    for (const char *c = text; *c; c++)
        if (*c == '\\')
            fputs("\\e", stream);
        else if (*c == '-')
            fputs("\\-", stream);
        else
            fputc(*c, stream);
}

static void print_title(FILE *stream, const char *page, const char *summary)
{
    fprintf(stream, ".TH %s 1 \"\" \"rncl %s\" \"rncl\"\n.nh\n.SH NAME\n", page, RNCL_VERSION);
    print_text(stream, page);
    fputs(" \\- ", stream);
    print_text(stream, summary);
    fputc('\n', stream);
}

/* ---- a command's page ---- */

static void print_option(FILE *stream, const rncl_command *command, const rncl_option *option)
{
    char left[256];
    const char *text = rncl_help_default(command, option);
    rncl_help_left(option, left, sizeof left);
    const size_t name = strcspn(left, " ");
    fputs(".TP\n\\fB", stream);
    for (size_t i = 0; left[i]; i++) {
        if (i == name)
            fputs("\\fR", stream);
        print_text(stream, (const char[]){left[i], '\0'});
    }
    fputs("\\fR\n", stream);
    print_text(stream, option->help);
    if (text && *text) {
        fputs(" (default ", stream);
        print_text(stream, text);
        fputc(')', stream);
    }
    fputc('\n', stream);
}

static void print_group(FILE *stream, const rncl_command *command, rncl_option_group group)
{
    bool begun = false;
    for (size_t i = 0; i < rncl_option_count; i++) {
        const rncl_option *option = &rncl_option_table[i];
        if (!(option->commands & command->bit) || option->group != group)
            continue;
        if (!begun)
            fprintf(stream, ".SS %s\n", rncl_help_groups[group]);
        begun = true;
        print_option(stream, command, option);
    }
}

static void print_command_page(FILE *stream, const char *page, const rncl_command *command)
{
    const char *argument = rncl_help_argument(command);
    print_title(stream, page, command->summary);
    fprintf(stream, ".SH SYNOPSIS\n.B rncl ");
    print_text(stream, command->name);
    fputs(command->lists ? "\n[options]" : "", stream); /* before those of training */
    fputs(argument ? "\n.I " : "", stream);
    print_text(stream, argument ? argument : "");
    fputs(command->lists ? "" : "\n[options]", stream);
    fputs("\n.SH DESCRIPTION\n", stream);
    print_text(stream, command->summary);
    fputs(".\n.SH OPTIONS\n", stream);
    for (int group = 0; group < RNCL_GROUP_COUNT; group++)
        print_group(stream, command, (rncl_option_group)group);
    fputs(".SH EXAMPLES\n", stream);
    print_text(stream, command->example);
    fputs("\n.SH SEE ALSO\n.BR rncl (1)\n", stream);
}

/* ---- the overview ---- */

static void print_exit_statuses(FILE *stream)
{
    static const struct {
        int status;
        const char *text;
    } rows[] = {
#define ROW(code, text, status) {status, text},
        RNCL_STATUS_LIST(ROW)
#undef ROW
    };
    fputs(".SH EXIT STATUS\n", stream);
    for (size_t i = 0; i < COUNT(rows); i++) {
        const bool another = i && rows[i].status == rows[i - 1].status;
        if (another)
            fputs("; ", stream);
        else
            fprintf(stream, "%s.TP\n%d\n", i ? "\n" : "", rows[i].status);
        print_text(stream, rows[i].text);
    }
    fputc('\n', stream);
}

static void print_overview(FILE *stream, const char *page)
{
    print_title(stream, page, "trains residual networks on any OpenCL device");
    fputs(".SH SYNOPSIS\n.B rncl\n.I COMMAND\n[options]\n.SH COMMANDS\n", stream);
    for (size_t i = 0; i < rncl_command_count; i++) {
        if (!rncl_commands[i].summary)
            continue;
        fputs(".TP\n.BR rncl\\-", stream);
        print_text(stream, rncl_commands[i].name);
        fputs(" (1)\n", stream);
        print_text(stream, rncl_commands[i].summary);
        fputc('\n', stream);
    }
    print_exit_statuses(stream);
    fputs(".SH ENVIRONMENT\n"
          ".TP\n.B RNCL_DEVICE\nThe device where \\-\\-device is not given.\n"
          ".TP\n.B NO_COLOR\nIf set and not empty, no colour on terminals.\n"
          ".TP\n.B XDG_CACHE_HOME\nCompiled kernels are in its folder rncl; if not set, in ~/.cache/rncl.\n"
          ".TP\n.B XDG_DATA_HOME\nResults of tuning are in its folder rncl; if not set, in "
          "~/.local/share/rncl.\n",
          stream);
}

/* ---- files ---- */

/* The command's page; the overview if it is NULL. */
static rncl_status write_page(const char *folder, const rncl_command *command)
{
    char page[64], name[72];
    snprintf(page, sizeof page, "rncl%s%s", command ? "-" : "", command ? command->name : "");
    snprintf(name, sizeof name, "%s.1", page);
    char *path = rncl_path_join(folder, name);
    if (!path)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "path of a manual page");
    rncl_atomic_file file;
    rncl_status st = rncl_atomic_file_create(path, &file);
    if (!st) {
        if (command)
            print_command_page(file.stream, page, command);
        else
            print_overview(file.stream, page);
        st = rncl_atomic_file_commit(&file);
    }
    free(path);
    return st;
}

rncl_status rncl_man_pages_run(rncl_options *options)
{
    if (options->argument_count != 1)
        return RNCL_FAIL(RNCL_ERR_USAGE, "rncl man-pages needs a folder");
    RNCL_TRY(rncl_directory_create(options->arguments[0]));
    RNCL_TRY(write_page(options->arguments[0], NULL));
    for (size_t i = 0; i < rncl_command_count; i++)
        if (rncl_commands[i].summary)
            RNCL_TRY(write_page(options->arguments[0], &rncl_commands[i]));
    return RNCL_OK;
}
