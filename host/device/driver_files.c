/* Finds .icd files, reads them and tries their libraries. */
#include "driver_files.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "util.h"

const char *rncl_driver_folder(void)
{
    const char *chosen = getenv("OCL_ICD_VENDORS");
    return chosen && *chosen ? chosen : "/etc/OpenCL/vendors";
}

static int is_registration(const struct dirent *entry)
{
    const char *end = strrchr(entry->d_name, '.');
    return end && !strcmp(end, ".icd");
}

bool rncl_driver_is_registered(void)
{
    DIR *folder = opendir(rncl_driver_folder());
    bool found = false;
    const struct dirent *entry;
    while (folder && !found && (entry = readdir(folder)))
        found = is_registration(entry);
    if (folder)
        closedir(folder);
    return found;
}

/* The first line of the file. */
static void read_library(rncl_driver_file *driver)
{
    char *path = rncl_path_join(rncl_driver_folder(), driver->name);
    FILE *file = path ? fopen(path, "r") : NULL;
    if (!file)
        snprintf(driver->problem, sizeof driver->problem, "the file cannot be read: %s", strerror(errno));
    else if (!fgets(driver->library, sizeof driver->library, file))
        snprintf(driver->problem, sizeof driver->problem, "the file is empty: it should name a library");
    driver->library[strcspn(driver->library, "\r\n")] = '\0';
    if (file)
        fclose(file);
    free(path);
}

/* Libraries stay loaded: drivers do not expect to be unloaded. */
static void try_library(rncl_driver_file *driver)
{
    void *library = dlopen(driver->library, RTLD_LAZY | RTLD_LOCAL);
    if (!library) {
        snprintf(driver->problem, sizeof driver->problem, "%s", dlerror());
        return;
    }
    void *(*const find)(const char *) =
        (void *(*)(const char *))dlsym(library, "clGetExtensionFunctionAddress");
    const void *entry = find ? find("clIcdGetPlatformIDsKHR") : NULL;
    Dl_info found;
    if (!entry)
        snprintf(driver->problem, sizeof driver->problem, "the library is no OpenCL driver");
    else if (dladdr(entry, &found) && found.dli_fname)
        snprintf(driver->loaded, sizeof driver->loaded, "%s", found.dli_fname);
}

rncl_status rncl_driver_files_list(rncl_driver_file **files, size_t *count)
{
    struct dirent **entries = NULL;
    const int found = scandir(rncl_driver_folder(), &entries, is_registration, alphasort);
    *count = (size_t)MAX(found, 0);
    *files = calloc(*count + 1, sizeof **files);
    for (size_t i = 0; i < *count; i++) {
        if (*files) {
            rncl_driver_file *driver = *files + i;
            snprintf(driver->name, sizeof driver->name, "%s", entries[i]->d_name);
            read_library(driver);
            if (!driver->problem[0])
                try_library(driver);
        }
        free(entries[i]);
    }
    free(entries);
    return *files ? RNCL_OK : RNCL_FAIL(RNCL_ERR_MEMORY, "list of drivers");
}
