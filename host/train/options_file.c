/* config.ini: options as name = value lines, read by inih. A value that is too long for a line of inih's goes
 * on in the next one, which begins with blanks, after a backslash. */
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
    char *begun,
        *value; /* an option whose value goes on in the next line, and what is known of it; or NULL */
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

static void forget_begun(reading *r)
{
    free(r->begun);
    free(r->value);
    r->begun = r->value = NULL;
}

/* Adds a line to the value that is being read, and takes the value when it is whole. */
static rncl_status take_part(reading *r, const char *name, const char *part)
{
    const size_t length = strlen(part);
    const bool goes_on = length > 0 && part[length - 1] == '\\';
    if (r->begun && strcmp(r->begun, name) != 0)
        return RNCL_FAIL(RNCL_ERR_USAGE, "%s ends in a backslash and does not go on", r->begun);
    char *begun = strdup(name);
    char *value = rncl_text_format("%s%.*s", r->value ? r->value : "", (int)length - goes_on, part);
    forget_begun(r);
    r->begun = begun, r->value = value;
    if (!begun || !value)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "no memory to read it");
    if (goes_on)
        return RNCL_OK;
    const rncl_status st = take_line(r, name, value);
    forget_begun(r);
    return st;
}

/* inih wants 0 for a failure, and goes on. */
static int on_line(void *user, const char *section, const char *name, const char *text)
{
    (void)section;
    reading *r = user;
    if (!r->status)
        r->status = take_part(r, name, text);
    return r->status == RNCL_OK;
}

/* Returns the number of the line that inih or rncl does not understand; 0: none, negative: no memory. */
static int read_lines(reading *r, const char *text)
{
    const int line = ini_parse_string(text, on_line, r);
    if (!r->status && !line && r->begun)
        r->status = RNCL_FAIL(RNCL_ERR_USAGE, "%s ends in a backslash and does not go on", r->begun);
    forget_begun(r);
    return line;
}

static rncl_status parse(rncl_options *options, const char *path, const char *text, unsigned commands)
{
    reading r = {.options = options, .commands = commands};
    const int line = read_lines(&r, text);
    if (r.status && !line)
        return RNCL_FAIL(r.status, "%s: %s", path, rncl_status_message());
    if (r.status)
        return RNCL_FAIL(r.status, "%s:%d: %s", path, line, rncl_status_message());
    if (line > 0)
        return RNCL_FAIL(
            RNCL_ERR_USAGE,
            "%s:%d: not a `name = value` line, or the one before is too long: 190 characters, then a "
            "backslash, and the rest after blanks in the next line",
            path, line);
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

rncl_status rncl_options_take_config(rncl_options *options, const char *path, unsigned commands)
{
    const rncl_status st = rncl_options_read(options, path, commands);
    if (st == RNCL_ERR_IO)
        return RNCL_FAIL(RNCL_ERR_USAGE, "--config %s", rncl_status_message());
    return st;
}

/* The path from the root, if there is such a file and an option can hold it; otherwise it stays. */
static void make_absolute(char path[RNCL_TEXT_LENGTH])
{
    if (path[0] == '\0' || path[0] == '/' || (!rncl_file_exists(path) && !rncl_directory_exists(path)))
        return;
    char *folder = getcwd(NULL, 0);
    char *absolute = folder ? rncl_path_join(folder, path) : NULL;
    if (absolute && strlen(absolute) < RNCL_TEXT_LENGTH && !strstr(absolute, " ;"))
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

/* Bytes of a value in one line; with the option's name they fit into inih's 200. */
enum { LINE_OF_VALUE = 120 };

/* How much of the value to write before a line's end. inih drops blanks at the beginning of a line and takes
 * ; and # there for a comment; characters of several bytes stay whole. */
static size_t part_length(const char *value)
{
    size_t length = strnlen(value, LINE_OF_VALUE + 1);
    if (length <= LINE_OF_VALUE)
        return length;
    do
        length--;
    while (length > 1 && (strchr(" \t;#", value[length]) || ((unsigned char)value[length] & 0xc0) == 0x80));
    return length;
}

static void print_row(const char *name, const char *value, FILE *stream)
{
    size_t length = part_length(value);
    fprintf(stream, "%s = %.*s", name, (int)length, value);
    while (*(value += length)) {
        length = part_length(value);
        fprintf(stream, "\\\n    %.*s", (int)length, value);
    }
    fputc('\n', stream);
}

static void print_rows(const rncl_options *options, FILE *stream)
{
    fputs("; what this run was told; `rncl train --config` with this file repeats it\n", stream);
    for (size_t i = 0; i < rncl_option_count; i++) {
        char text[RNCL_TEXT_LENGTH];
        const rncl_option *option = &rncl_option_table[i];
        rncl_option_format(options, option, text, sizeof text);
        if (option->in_config && *text)
            print_row(option->name, text, stream);
    }
}

/* Comments begin at " ;": a value that would not come back as it went is found out before the file is
 * written, not when somebody needs it. */
static rncl_status check_text(const rncl_options *options, const char *text, const char *path)
{
    rncl_options echo;
    rncl_options_init(&echo);
    reading r = {.options = &echo, .commands = ~0u};
    read_lines(&r, text);
    for (size_t i = 0; i < rncl_option_count; i++) {
        const rncl_option *option = &rncl_option_table[i];
        char wanted[RNCL_TEXT_LENGTH], found[RNCL_TEXT_LENGTH];
        rncl_option_format(options, option, wanted, sizeof wanted);
        rncl_option_format(&echo, option, found, sizeof found);
        if (option->in_config && *wanted && strcmp(wanted, found) != 0)
            return RNCL_FAIL(RNCL_ERR_USAGE,
                             "--%s %.60s…: %s cannot hold it; give a value without ` ;`, line breaks and a "
                             "backslash at the end, such as a symbolic link",
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
