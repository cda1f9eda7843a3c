/* config.ini: options as name = value lines, read by inih. */
#include <ini.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "options.h"
#include "util.h"

/* What inih's handler works on. */
typedef struct reading {
    rncl_options *options;
    unsigned commands;
    rncl_status status; /* the first failure; its message is the recorded one */
} reading;

rncl_status rncl_option_unknown(const char *name, unsigned commands)
{
    const char *names[RNCL_MOST_OPTIONS];
    size_t count = 0;
    for (size_t i = 0; i < rncl_option_count; i++)
        if (rncl_option_table[i].commands & commands)
            names[count++] = rncl_option_table[i].name;
    const char *nearest = rncl_option_nearest(name, names, count);
    if (!nearest)
        return RNCL_FAIL(RNCL_ERR_USAGE, "no option %.60s; `rncl train --help` lists them", name);
    return RNCL_FAIL(RNCL_ERR_USAGE, "no option %.60s; did you mean %s?", name, nearest);
}

static rncl_status take_line(const reading *r, const char *name, const char *text)
{
    const rncl_option *option = rncl_option_find(name, r->commands);
    if (option)
        return rncl_options_set(r->options, option, text, RNCL_FROM_CONFIG);
    /* One file serves several commands: what another one takes is no mistake. */
    return rncl_option_find(name, ~0u) ? RNCL_OK : rncl_option_unknown(name, r->commands);
}

/* inih wants 0 for a failure, and goes on. */
static int on_line(void *user, const char *section, const char *name, const char *text)
{
    (void)section;
    reading *r = user;
    if (!r->status)
        r->status = take_line(r, name, text);
    return r->status == RNCL_OK;
}

static rncl_status parse(rncl_options *options, const char *path, const char *text, unsigned commands)
{
    reading r = {options, commands, RNCL_OK};
    const int line = ini_parse_string(text, on_line, &r);
    if (r.status)
        return RNCL_FAIL(r.status, "%s:%d: %s", path, line, rncl_status_message());
    if (line > 0)
        return RNCL_FAIL(RNCL_ERR_USAGE, "%s:%d: not a `name = value` line, or too long", path, line);
    return line < 0 ? RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory to read it", path) : RNCL_OK;
}

rncl_status rncl_options_read(rncl_options *options, const char *path, unsigned commands)
{
    rncl_contents file;
    RNCL_TRY(rncl_file_read(path, &file));
    rncl_status st = RNCL_OK;
    char *text = NULL;
    if (file.data && memchr(file.data, '\0', file.size_bytes))
        st = RNCL_FAIL(RNCL_ERR_USAGE, "%s: not a text: it has a zero byte in it", path);
    else if (!(text = rncl_text_format("%.*s", (int)MIN(file.size_bytes, INT_MAX),
                                       file.data ? (const char *)file.data : "")))
        st = RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory to read it", path);
    if (!st)
        st = parse(options, path, text, commands);
    free(text);
    rncl_contents_free(&file);
    return st;
}

/* Longer ones do not fit into a line of inih's. */
enum { LONGEST_PATH = 180 };

/* The path from the root, if there is such a file and config.ini can hold it; otherwise it stays. */
static void make_absolute(char path[RNCL_TEXT_LENGTH])
{
    if (path[0] == '\0' || path[0] == '/' || (!rncl_file_exists(path) && !rncl_directory_exists(path)))
        return;
    char *folder = getcwd(NULL, 0);
    char *absolute = folder ? rncl_path_join(folder, path) : NULL;
    if (absolute && strlen(absolute) < LONGEST_PATH && !strstr(absolute, " ;"))
        snprintf(path, RNCL_TEXT_LENGTH, "%s", absolute);
    free(folder);
    free(absolute);
}

static void make_paths_absolute(rncl_options *options)
{
    for (size_t i = 0; i < rncl_option_count; i++)
        if (rncl_option_table[i].is_path)
            make_absolute((char *)options + rncl_option_table[i].offset);
}

static void print_rows(const rncl_options *options, FILE *stream)
{
    fputs("; what this run was told; `rncl train --config` with this file repeats it\n", stream);
    for (size_t i = 0; i < rncl_option_count; i++) {
        char text[RNCL_TEXT_LENGTH];
        const rncl_option *option = &rncl_option_table[i];
        rncl_option_format(options, option, text, sizeof text);
        if (option->in_config && *text)
            fprintf(stream, "%s = %s\n", option->name, text);
    }
}

/* inih has a longest line, and comments begin at " ;": a value that would not come back as it went is found
 * out before the file is written, not when somebody needs it. */
static rncl_status check_text(const rncl_options *options, const char *text, const char *path)
{
    rncl_options echo;
    rncl_options_init(&echo);
    reading r = {&echo, ~0u, RNCL_OK};
    ini_parse_string(text, on_line, &r);
    for (size_t i = 0; i < rncl_option_count; i++) {
        const rncl_option *option = &rncl_option_table[i];
        char wanted[RNCL_TEXT_LENGTH], found[RNCL_TEXT_LENGTH];
        rncl_option_format(options, option, wanted, sizeof wanted);
        rncl_option_format(&echo, option, found, sizeof found);
        if (option->in_config && *wanted && strcmp(wanted, found) != 0)
            return RNCL_FAIL(RNCL_ERR_USAGE,
                             "--%s %.60s…: %s cannot hold it; give a value without ` ;` and with fewer than "
                             "180 characters, such as a symbolic link",
                             option->name, wanted, path);
    }
    return RNCL_OK;
}

rncl_status rncl_options_write(const rncl_options *options, const char *path)
{
    char *text = NULL;
    size_t size;
    rncl_options written = *options;
    make_paths_absolute(&written);
    FILE *stream = open_memstream(&text, &size);
    if (stream)
        print_rows(&written, stream);
    /* A stream in memory that could not grow closes well and leaves no text. */
    const bool failed = !stream || ferror(stream);
    if ((stream && fclose(stream) != 0) || failed || !text) {
        free(text);
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%s: no memory for its text", path);
    }
    rncl_status st = check_text(&written, text, path);
    if (!st)
        st = rncl_file_write(path, text, size);
    free(text);
    return st;
}
