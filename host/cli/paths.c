/* Folders into the files that are meant. */
#include "paths.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "file.h"
#include "folder_walk.h"

static const char best[] = "best.safetensors";

/* A run's folder becomes its best weights; `path` is the value of option `name`. */
static rncl_status complete(const char *name, char path[RNCL_TEXT_LENGTH])
{
    if (!rncl_directory_exists(path))
        return RNCL_OK;
    char file[RNCL_TEXT_LENGTH];
    if (snprintf(file, sizeof file, "%s/%s", path, best) >= (int)sizeof file)
        return RNCL_FAIL(RNCL_ERR_USAGE, "--%s %.60s…: longer than %zu characters", name, path,
                         sizeof file - 1);
    if (!rncl_file_exists(file))
        return RNCL_FAIL(
            RNCL_ERR_MODEL,
            "%s: no such model; --%s takes a file, or the folder of a run that has been evaluated", file,
            name);
    memcpy(path, file, sizeof file);
    return RNCL_OK;
}

rncl_status rncl_paths_complete_model(rncl_options *options, const char *command)
{
    if (!options->model[0])
        return RNCL_FAIL(RNCL_ERR_USAGE, "rncl %s needs --model, a safetensors file or the folder of a run",
                         command);
    return complete("model", options->model);
}

rncl_status rncl_paths_complete_init(rncl_options *options)
{
    return options->init[0] ? complete("init", options->init) : RNCL_OK;
}

/* ---- pictures ---- */

/* Paths that have been found; each is allocated. */
typedef struct path_list {
    char **paths;
    int count, room;
} path_list;

/* Takes the path over. */
static rncl_status add_path(path_list *list, char *path)
{
    if (list->count == list->room) {
        const int room = list->room ? 2 * list->room : 64;
        char **grown = realloc(list->paths, (size_t)room * sizeof *grown);
        if (!grown) {
            free(path);
            return RNCL_FAIL(RNCL_ERR_MEMORY, "%d pictures", room);
        }
        list->paths = grown;
        list->room = room;
    }
    list->paths[list->count++] = path;
    return RNCL_OK;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static rncl_status add_folder(path_list *list, const char *folder);

/* Takes the path over. */
static rncl_status add_entry(path_list *list, char *path)
{
    struct stat is, leads_to;
    rncl_status st = RNCL_OK;
    if (!path)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "path of a picture");
    const bool known = lstat(path, &is) == 0 && stat(path, &leads_to) == 0;
    if (known && S_ISREG(leads_to.st_mode) && rncl_walk_is_picture(path))
        return add_path(list, path);
    if (known && S_ISDIR(is.st_mode))
        st = add_folder(list, path);
    free(path);
    return st;
}

static rncl_status add_folder(path_list *list, const char *folder)
{
    struct dirent **entries;
    const int count = scandir(folder, &entries, is_visible, alphasort);
    if (count < 0)
        return RNCL_FAIL(RNCL_ERR_IO, "%s: cannot be listed: %s", folder, strerror(errno));
    rncl_status st = RNCL_OK;
    for (int i = 0; i < count; i++) {
        if (!st)
            st = add_entry(list, rncl_path_join(folder, entries[i]->d_name));
        free(entries[i]);
    }
    free(entries);
    return st;
}

static rncl_status expand(path_list *list, const char *argument)
{
    if (!rncl_directory_exists(argument)) {
        char *copy = strdup(argument);
        if (!copy)
            return RNCL_FAIL(RNCL_ERR_MEMORY, "path of a picture");
        return add_path(list, copy);
    }
    const int before = list->count;
    RNCL_TRY(add_folder(list, argument));
    if (list->count == before)
        return RNCL_FAIL(RNCL_ERR_DATA, "%s: no pictures in this folder", argument);
    return RNCL_OK;
}

rncl_status rncl_paths_expand_pictures(rncl_options *options)
{
    path_list list = {0};
    rncl_status st = RNCL_OK;
    for (int i = 0; i < options->argument_count && !st; i++)
        st = expand(&list, options->arguments[i]);
    if (st) {
        for (int i = 0; i < list.count; i++)
            free(list.paths[i]);
        free(list.paths);
        return st;
    }
    for (int i = 0; i < options->argument_count; i++)
        free(options->arguments[i]);
    free(options->arguments);
    options->arguments = list.paths;
    options->argument_count = list.count;
    return RNCL_OK;
}
