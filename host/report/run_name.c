/* The name of a run is made from three options in its config.ini. */
#include "run_name.h"

#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "utf8.h"
#include "util.h"

typedef struct words {
    char arch[64], depth[16], data[256];
} words;

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
        snprintf(w->data, sizeof w->data, "%s", data_name(value));
    return 1;
}

const char *rncl_path_last(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

static void read_config(const char *folder, words *w)
{
    char *path = rncl_path_join(folder, "config.ini");
    FILE *stream = path ? fopen(path, "r") : NULL;
    if (stream) {
        ini_parse_file(stream, on_line, w);
        fclose(stream);
    }
    free(path);
}

char *rncl_run_name(const char *folder)
{
    words w = {0};
    read_config(folder, &w);
    char *name = w.arch[0] && w.depth[0]
                     ? rncl_text_format("%s-%s%s%s", w.arch, w.depth, w.data[0] ? " on " : "", w.data)
                     : rncl_text_format("%s", rncl_path_last(folder));
    char *shown = name ? rncl_utf8_text(name) : NULL;
    free(name);
    return shown;
}
