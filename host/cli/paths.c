/* Folders into the files that are meant. */
#include "paths.h"

#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "folder_walk.h"
#include "image_foreign.h"
#include "run_folder.h"

/* A run's folder becomes its file `wanted`; `path` is the value of option `name`. */
static rncl_status complete(const char *name, const char *wanted, char path[RNCL_TEXT_LENGTH])
{
    if (!rncl_directory_exists(path))
        return RNCL_OK;
    char file[RNCL_TEXT_LENGTH];
    if (snprintf(file, sizeof file, "%s/%s", path, wanted) >= (int)sizeof file)
        return RNCL_FAIL(RNCL_ERR_USAGE, "--%s %.60s…: longer than %zu characters", name, path,
                         sizeof file - 1);
    memcpy(path, file, sizeof file);
    return RNCL_OK;
}

static rncl_status complete_best(const char *name, char path[RNCL_TEXT_LENGTH])
{
    const bool folder = rncl_directory_exists(path);
    RNCL_TRY(complete(name, RNCL_RUN_BEST, path));
    if (folder && !rncl_file_exists(path))
        return RNCL_FAIL(
            RNCL_ERR_MODEL,
            "%s: no such model; --%s takes a file, or the folder of a run that has been evaluated", path,
            name);
    return RNCL_OK;
}

rncl_status rncl_paths_complete_model(rncl_options *options, const char *command)
{
    if (!options->model[0])
        return RNCL_FAIL(RNCL_ERR_USAGE, "rncl %s needs --model, a safetensors file or the folder of a run",
                         command);
    return complete_best("model", options->model);
}

rncl_status rncl_paths_complete_init(rncl_options *options)
{
    return options->init[0] ? complete_best("init", options->init) : RNCL_OK;
}

rncl_status rncl_paths_complete_filters(rncl_options *options)
{
    return complete_best("filters", options->plot_filters);
}

rncl_status rncl_paths_complete_tuning(rncl_options *options)
{
    return complete("tuning", RNCL_RUN_TUNING, options->plot_tuning);
}

/* ---- pictures ---- */

/* Paths that have been found; each is allocated. */
typedef struct path_list {
    char **paths;
    int count, room;
    rncl_trail trail;
    const rncl_log *log;
    char *foreign; /* the first picture that rncl does not read, and how many; NULL: none */
    int foreign_count;
} path_list;

static rncl_status copy_path(const char *path, char **out)
{
    *out = strdup(path);
    return *out ? RNCL_OK : RNCL_FAIL(RNCL_ERR_MEMORY, "path of a picture");
}

static rncl_status add_path(path_list *list, const char *path)
{
    if (list->count == list->room) {
        const int room = list->room ? 2 * list->room : 64;
        char **grown = realloc(list->paths, (size_t)room * sizeof *grown);
        if (!grown)
            return RNCL_FAIL(RNCL_ERR_MEMORY, "%d pictures", room);
        list->paths = grown;
        list->room = room;
    }
    RNCL_TRY(copy_path(path, &list->paths[list->count]));
    list->count++;
    return RNCL_OK;
}

static rncl_status visit(void *user, const char *path, const struct dirent *entry);

static rncl_status add_folder(path_list *list, const char *folder)
{
    if (rncl_trail_is_full(&list->trail))
        return RNCL_FAIL(RNCL_ERR_DATA, "%s: too many folders below each other", folder);
    if (!rncl_trail_enter(&list->trail, folder))
        return RNCL_OK;
    const rncl_status st = rncl_walk(folder, visit, list);
    rncl_trail_leave(&list->trail);
    if (st != RNCL_ERR_IO)
        return st;
    rncl_log_line(list->log, RNCL_LOG_WARNING, "left out: %s: the folder cannot be listed", folder);
    return RNCL_OK;
}

static rncl_status visit(void *user, const char *path, const struct dirent *entry)
{
    path_list *list = user;
    if (rncl_walk_is_folder(path, entry))
        return add_folder(list, path);
    if (rncl_walk_is_picture(path) && rncl_file_exists(path))
        return add_path(list, path);
    if (!rncl_image_foreign_suffix(rncl_walk_suffix(path)))
        return RNCL_OK;
    list->foreign_count++;
    return list->foreign ? RNCL_OK : copy_path(path, &list->foreign);
}

static rncl_status expand(path_list *list, const char *argument)
{
    if (!*argument || !strcmp(argument, "-"))
        return RNCL_FAIL(RNCL_ERR_USAGE, "`%s`: rncl predict takes files and folders, not standard input",
                         argument);
    if (!rncl_directory_exists(argument))
        return add_path(list, argument);
    const int before = list->count;
    rncl_trail_start(&list->trail, argument);
    RNCL_TRY(rncl_walk(argument, visit, list));
    if (list->count > before)
        return RNCL_OK;
    return list->foreign
               ? RNCL_FAIL(RNCL_ERR_DATA, "%s: no PNG, JPEG or WebP in this folder, but %s: %s", argument,
                           list->foreign, rncl_image_foreign_suffix(rncl_walk_suffix(list->foreign)))
               : RNCL_FAIL(RNCL_ERR_DATA, "%s: no pictures in this folder", argument);
}

static void release_pictures(char **paths, int count)
{
    for (int i = 0; i < count; i++)
        free(paths[i]);
    free(paths);
}

rncl_status rncl_paths_expand_pictures(rncl_options *options, const rncl_log *log)
{
    path_list list = {.log = log};
    rncl_status st = RNCL_OK;
    for (int i = 0; i < options->argument_count && !st; i++)
        st = expand(&list, options->arguments[i]);
    if (!st && list.foreign)
        rncl_log_line(log, RNCL_LOG_WARNING, "left out: %d of other formats, as %s: %s", list.foreign_count,
                      list.foreign, rncl_image_foreign_suffix(rncl_walk_suffix(list.foreign)));
    free(list.foreign);
    if (st) {
        release_pictures(list.paths, list.count);
        return st;
    }
    release_pictures(options->arguments, options->argument_count);
    options->arguments = list.paths;
    options->argument_count = list.count;
    return RNCL_OK;
}
