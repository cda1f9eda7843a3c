/* Folders and data. */
#include "place.h"

#include <err.h>
#include <png.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SIZE = 8, TRAINING = 96, VALIDATION = 32 };

static uint8_t pixel(int picture, int i)
{
    return (uint8_t)((picture * 37 + i * (picture % 7 + 1) * 11) & 255);
}

static void put_number(FILE *file, uint32_t number)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        fputc((int)(number >> shift & 255), file);
}

static FILE *create(const place *p, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/data/%s", p->work, name);
    FILE *file = fopen(path, "w");
    if (!file)
        err(1, "%s", path);
    return file;
}

static void write_idx(const place *p, const char *images_name, const char *labels_name, int count)
{
    FILE *images = create(p, images_name), *labels = create(p, labels_name);
    put_number(images, 0x803);
    put_number(images, (uint32_t)count);
    put_number(images, SIZE);
    put_number(images, SIZE);
    put_number(labels, 0x801);
    put_number(labels, (uint32_t)count);
    for (int n = 0; n < count; n++) {
        for (int i = 0; i < SIZE * SIZE; i++)
            fputc(pixel(n, i), images);
        fputc(n % 4, labels);
    }
    if (fclose(images) || fclose(labels))
        err(1, "%s", images_name);
}

static void write_png(const place *p, const char *name, int picture)
{
    char path[256];
    uint8_t grey[SIZE * SIZE];
    for (int i = 0; i < SIZE * SIZE; i++)
        grey[i] = pixel(picture, i);
    snprintf(path, sizeof path, "%s/data/%s", p->work, name);
    png_image image = {
        .version = PNG_IMAGE_VERSION, .width = SIZE, .height = SIZE, .format = PNG_FORMAT_GRAY};
    if (!png_image_write_to_file(&image, path, 0, grey, 0, NULL))
        errx(1, "%s: %s", path, image.message);
}

void place_shell(const place *p, const char *command)
{
    char all[1024];
    snprintf(all, sizeof all, "cd %s && { %s ; } >log 2>&1", p->work, command);
    if (system(all))
        errx(1, "failed: %s", all);
}

void place_make(const char *rncl, const char *layer, place *out)
{
    *out = (place){.rncl = rncl, .layer = layer, .work = "/tmp/rncl-faults-XXXXXX"};
    if (!mkdtemp(out->work))
        err(1, "%s", out->work);
    snprintf(out->run, sizeof out->run, "%s/run", out->work);
    /* rncl's files go into the folder; PoCL's cache is shared. */
    char path[128], pocl[256];
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    snprintf(pocl, sizeof pocl, "%s%s/pocl/kcache",
             cache  ? cache
             : home ? home
                    : "/tmp",
             cache ? "" : "/.cache");
    setenv("POCL_CACHE_DIR", pocl, 0);
    snprintf(path, sizeof path, "%s/cache", out->work);
    setenv("XDG_CACHE_HOME", path, 1);
    /* Tuning results change which kernels run, so that each run begins without any. */
    snprintf(path, sizeof path, "%s/share", out->run);
    setenv("XDG_DATA_HOME", path, 1);
    place_shell(out, "mkdir -p run data/idx data/folder/train/one data/folder/train/two data/folder/val/one "
                     "data/folder/val/two");
    write_idx(out, "idx/train-images-idx3-ubyte", "idx/train-labels-idx1-ubyte", TRAINING);
    write_idx(out, "idx/t10k-images-idx3-ubyte", "idx/t10k-labels-idx1-ubyte", VALIDATION);
    for (int i = 0; i < 8; i++) {
        char name[64];
        snprintf(name, sizeof name, "folder/%s/%s/%d.png", i < 4 ? "train" : "val", i % 2 ? "one" : "two", i);
        write_png(out, name, i);
    }
    write_png(out, "a.png", 3);
    write_png(out, "b.png", 5);
    char command[512];
    snprintf(command, sizeof command, "cd run && %s " PLACE_TRAIN " --steps 4 --out ../data/half", rncl);
    place_shell(out, command);
}

void place_remove(const place *p)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", p->work);
    if (system(command))
        warnx("%s is left", p->work);
}
