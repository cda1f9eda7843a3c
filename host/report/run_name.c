/* The name of a run is made from three options in its config.ini. */
#include "run_name.h"

#include <ini.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "utf8.h"
#include "util.h"

typedef struct words {
    char arch[64], depth[16], data[1024];
} words;

/* A long value goes on in the next line, behind a backslash. */
static void take_part(char *text, size_t size, const char *part)
{
    const size_t length = strlen(text), kept = length && text[length - 1] == '\\' ? length - 1 : 0;
    snprintf(text + kept, size - kept, "%s", part);
}

static const char *data_name(const char *path)
{
    static const char built_in[] = "builtin:";
    return !strncmp(path, built_in, strlen(built_in)) ? path + strlen(built_in) : rncl_path_last(path);
}

static int on_line(void *user, const char *section, const char *name, const char *value)
{
    (void)section;
    words *w = user;
    if (!strcmp(name, "arch"))
        snprintf(w->arch, sizeof w->arch, "%s", value);
    else if (!strcmp(name, "depth"))
        snprintf(w->depth, sizeof w->depth, "%s", value);
    else if (!strcmp(name, "data"))
        take_part(w->data, sizeof w->data, value);
    return 1;
}

const char *rncl_path_last(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

/* Lines that are no options do not matter here. */
static rncl_status parse(const rncl_contents *file, words *w)
{
    char *text = rncl_text_format("%.*s", (int)MIN(file->size_bytes, INT_MAX), (const char *)file->data);
    const bool read = text && ini_parse_string(text, on_line, w) >= 0;
    free(text);
    return read ? RNCL_OK : RNCL_FAIL(RNCL_ERR_MEMORY, "options of the run");
}

static rncl_status read_config(const char *folder, words *w)
{
    rncl_contents file = {0};
    char *path = rncl_path_join(folder, "config.ini");
    rncl_status st = path ? RNCL_OK : RNCL_FAIL(RNCL_ERR_MEMORY, "%s", folder);
    if (!st && rncl_file_may_exist(path))
        st = rncl_file_read(path, &file);
    if (!st && file.data)
        st = parse(&file, w);
    rncl_contents_free(&file);
    free(path);
    return st;
}

rncl_status rncl_run_name(const char *folder, char **out)
{
    words w = {0};
    *out = NULL;
    RNCL_TRY(read_config(folder, &w));
    char *name = w.arch[0] && w.depth[0] ? rncl_text_format("%s-%s%s%s", w.arch, w.depth,
                                                            w.data[0] ? " on " : "", data_name(w.data))
                                         : rncl_text_format("%s", rncl_path_last(folder));
    *out = name ? rncl_utf8_text(name) : NULL;
    free(name);
    return *out ? RNCL_OK : RNCL_FAIL(RNCL_ERR_MEMORY, "%s", folder);
}
