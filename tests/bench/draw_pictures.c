/* Draws the data sets of scripts/bench-data: draw_pictures FOLDER small|photos|large|camera. They are the
 * built-in shapes; for photographs they are enlarged and noise is added, so that their files are as large
 * and as slow to decode as those of a camera. */
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* after stdio.h, which it needs */
#include <jpeglib.h>

#include "dataset.h"
#include "file.h"
#include "picture.h"
#include "random.h"
#include "util.h"

typedef struct kind {
    const char *name, *suffix;
    int drawn;         /* size of the shape */
    int height, width; /* of the picture */
    int quality;       /* of a JPEG */
    uint32_t training, validation;
    int (*write)(const struct kind *kind, const char *path, uint8_t *rgb, uint32_t number);
} kind;

static int write_png(const kind *k, const char *path, uint8_t *rgb, uint32_t number)
{
    (void)number;
    png_image png = {.version = PNG_IMAGE_VERSION,
                     .height = (png_uint_32)k->height,
                     .width = (png_uint_32)k->width,
                     .format = PNG_FORMAT_RGB};
    return png_image_write_to_file(&png, path, 0, rgb, 0, NULL);
}

/* Adds a few grey levels of noise to each pixel, like a sensor. */
static void add_noise(uint8_t *rgb, size_t pixel_count, uint32_t number)
{
    enum { NOISE = 12 };
    rncl_random random = rncl_random_stream(1, RNCL_RANDOM_TEST, 0, number);
    for (size_t i = 0; i < pixel_count; i++) {
        const int noise = (int)(rncl_random_u32(&random) % (2 * NOISE + 1)) - NOISE;
        for (int k = 0; k < 3; k++, rgb++)
            *rgb = (uint8_t)MIN(MAX(*rgb + noise, 0), 255);
    }
}

static int write_jpeg(const kind *k, const char *path, uint8_t *rgb, uint32_t number)
{
    add_noise(rgb, (size_t)k->height * (size_t)k->width, number);
    FILE *file = fopen(path, "wb");
    if (!file)
        return 0;
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors; /* the standard one, which ends the program */
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_stdio_dest(&jpeg, file);
    jpeg.image_height = (JDIMENSION)k->height;
    jpeg.image_width = (JDIMENSION)k->width;
    jpeg.input_components = 3;
    jpeg.in_color_space = JCS_RGB;
    jpeg_set_defaults(&jpeg);
    jpeg.dct_method = JDCT_IFAST;
    jpeg_set_quality(&jpeg, k->quality, TRUE);
    jpeg_start_compress(&jpeg, TRUE);
    while (jpeg.next_scanline < jpeg.image_height) {
        JSAMPROW row = rgb + (size_t)jpeg.next_scanline * (size_t)k->width * 3;
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    return fclose(file) == 0;
}

static const kind kinds[] = {
    {"small", "png", 64, 64, 64, 0, 10000, 64, write_png},
    {"photos", "jpg", 256, 375, 500, 95, 500, 16, write_jpeg}, /* ImageNet's average: 110 kB a file */
    {"large", "jpg", 256, 768, 1024, 90, 500, 16, write_jpeg},
    {"camera", "jpg", 256, 1536, 2048, 90, 500, 16, write_jpeg},
};

static int draw_one(const kind *k, const rncl_dataset *shapes, const char *part, uint32_t number)
{
    const size_t size = (size_t)k->height * (size_t)k->width * 3,
                 drawn = (size_t)k->drawn * (size_t)k->drawn * 3;
    uint8_t *shape = malloc(drawn), *rgb = malloc(size);
    int label = 0, done = 0;
    if (shape && rgb && !rncl_dataset_read(shapes, number, shape, &label)) {
        char *folder = rncl_text_format("%s/%s", part, shapes->info.labels[label]);
        char *path = rncl_text_format("%s/%05u.%s", folder, (unsigned)number, k->suffix);
        done = folder && path && !rncl_directory_create(folder) &&
               !rncl_picture_resize(shape, k->drawn, k->drawn, 3, rgb, k->height, k->width) &&
               k->write(k, path, rgb, number);
        free(folder);
        free(path);
    }
    free(shape);
    free(rgb);
    return done;
}

static int draw_part(const kind *k, const char *folder, rncl_split split)
{
    const rncl_dataset_options options = {.split = split, .image = k->drawn};
    const bool training = split == RNCL_SPLIT_TRAIN;
    const uint32_t count = training ? k->training : k->validation;
    char *part = rncl_path_join(folder, training ? "train" : "val");
    rncl_dataset *shapes = NULL;
    int done = part && !rncl_dataset_open(&options, &shapes);
    for (uint32_t i = 0; done && i < count; i++)
        done = draw_one(k, shapes, part, i);
    rncl_dataset_close(shapes);
    free(part);
    return done;
}

int main(int argc, char **argv)
{
    for (size_t i = 0; argc == 3 && i < COUNT(kinds); i++) {
        if (strcmp(argv[2], kinds[i].name) != 0)
            continue;
        if (draw_part(&kinds[i], argv[1], RNCL_SPLIT_TRAIN) &&
            draw_part(&kinds[i], argv[1], RNCL_SPLIT_VALIDATION))
            return 0;
        fprintf(stderr, "draw_pictures: %s cannot be written: %s\n", argv[1], rncl_status_message());
        return 1;
    }
    fprintf(stderr, "usage: draw_pictures FOLDER small|photos|large|camera\n");
    return 2;
}
