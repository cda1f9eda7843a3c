/* Folders of drawn pictures for tests: every picture has one colour, which identifies it. */
#ifndef RNCL_TESTS_DATA_FOLDER_TEST_H
#define RNCL_TESTS_DATA_FOLDER_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <png.h>

#include "dataset.h"
#include "file.h"
#include "util.h"

/* Setup and teardown of a test; *state is the folder's path. */
static int make_folder(void **state)
{
    char *folder = strdup("/tmp/rncl-folder-XXXXXX");
    *state = folder;
    return folder && mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    char *command = rncl_text_format("rm -rf '%s'", (char *)*state);
    const int failed = command ? system(command) : -1;
    free(command);
    free(*state);
    return failed;
}

/* A path below the folder; its parent folders are created. Caller frees. */
static char *place(const char *folder, const char *name)
{
    char *path = rncl_path_join(folder, name);
    assert_non_null(path);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    assert_int_equal(rncl_directory_create(path), RNCL_OK);
    *slash = '/';
    return path;
}

static inline void write_bytes(const char *folder, const char *name, const void *bytes, size_t size)
{
    char *path = place(folder, name);
    assert_int_equal(rncl_file_write(path, bytes, size), RNCL_OK);
    free(path);
}

/* A PNG of height x width pixels of red `number`, green 255 - number and blue 7. */
static inline void write_picture(const char *folder, const char *name, uint32_t height, uint32_t width,
                                 uint8_t number)
{
    png_image png = {
        .version = PNG_IMAGE_VERSION, .height = height, .width = width, .format = PNG_FORMAT_RGB};
    uint8_t *pixels = malloc((size_t)height * width * 3);
    assert_non_null(pixels);
    for (size_t i = 0; i < (size_t)height * width; i++) {
        pixels[i * 3] = number;
        pixels[i * 3 + 1] = (uint8_t)(255 - number);
        pixels[i * 3 + 2] = 7;
    }
    char *path = place(folder, name);
    assert_true(png_image_write_to_file(&png, path, 0, pixels, 0, NULL));
    free(path);
    free(pixels);
}

/* Cuts off the second half of a file. */
static inline void cut_file(const char *folder, const char *name)
{
    char *path = place(folder, name);
    rncl_contents file;
    assert_int_equal(rncl_file_read(path, &file), RNCL_OK);
    const off_t half = (off_t)(file.size_bytes / 2);
    rncl_contents_free(&file);
    assert_int_equal(truncate(path, half), 0);
    free(path);
}

/* Options for a folder. The network has more classes than any test, so that a set of one class is allowed. */
static inline rncl_dataset_options folder_options(const char *folder, rncl_split split)
{
    return (rncl_dataset_options){.path = folder, .split = split, .val_split = 0.25f, .classes = 9};
}

static inline rncl_dataset *open_with(const rncl_dataset_options *options)
{
    rncl_dataset *dataset;
    const rncl_status st = rncl_dataset_open(options, &dataset);
    if (st)
        print_error("%s\n", rncl_status_message());
    assert_int_equal(st, RNCL_OK);
    return dataset;
}

static inline rncl_dataset *open_part(const char *folder, rncl_split split)
{
    const rncl_dataset_options options = folder_options(folder, split);
    return open_with(&options);
}

/* Expects that opening fails with RNCL_ERR_DATA, and both texts in the message. */
static inline void expect_refused(const rncl_dataset_options *options, const char *file, const char *reason)
{
    rncl_dataset *dataset;
    assert_int_equal(rncl_dataset_open(options, &dataset), RNCL_ERR_DATA);
    assert_null(dataset);
    if (!strstr(rncl_status_message(), file) || !strstr(rncl_status_message(), reason))
        fail_msg("expected \"%s\" and \"%s\" in: %s", file, reason, rncl_status_message());
}

/* The number that identifies a picture in a set of different sizes. */
static inline uint8_t number_of(const rncl_dataset *dataset, uint32_t index, int *label)
{
    rncl_image image = {0};
    assert_int_equal(rncl_dataset_decode(dataset, index, &(rncl_detail){0}, &image, label), RNCL_OK);
    const uint8_t number = image.pixels[0];
    assert_int_equal(image.pixels[1], 255 - number);
    rncl_image_fini(&image);
    return number;
}

/* Lines that were logged. */
struct heard {
    int warnings;
    char text[4096];
};

static inline void hear(void *user, rncl_log_level level, const char *line)
{
    struct heard *heard = user;
    if (level != RNCL_LOG_WARNING)
        return;
    heard->warnings++;
    const size_t length = strlen(heard->text);
    snprintf(heard->text + length, sizeof heard->text - length, "%s\n", line);
}

#endif
