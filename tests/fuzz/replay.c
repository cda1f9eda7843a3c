/* Replaces libFuzzer: runs the target once on each file of the given folders. */
#include <dirent.h>
#include <err.h>

#include "fuzz.h"

static void replay(const char *path)
{
    FILE *file = fopen(path, "r");
    enum { MOST = 1 << 20 };
    uint8_t *data = malloc(MOST);
    if (!file || !data)
        err(1, "%s", path);
    /* Exactly the file's size, so that reads past its end are noticed. */
    const size_t size = fread(data, 1, MOST, file);
    uint8_t *exact = realloc(data, size ? size : 1);
    if (!exact)
        err(1, "%s", path);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    fclose(file);
}

int main(int argc, char **argv)
{
    size_t count = 0;
    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);
        const struct dirent *entry;
        if (!folder)
            err(1, "%s", argv[i]);
        while ((entry = readdir(folder))) {
            char path[1024];
            snprintf(path, sizeof path, "%s/%s", argv[i], entry->d_name);
            if (entry->d_name[0] == '.')
                continue;
            replay(path);
            count++;
        }
        closedir(folder);
    }
    printf("%zu inputs\n", count);
    return count == 0;
}
