/* For scripts/compare-pillow: pictures as rncl decodes and prepares them, and JPEGs of samplings that Pillow
 * does not write.
 *
 *   pictures decode
 *       Reads paths from standard input, one a line. For each writes to standard output a line "HEIGHT WIDTH"
 *       and the upright pixels, or a line "refused: MESSAGE".
 *   pictures prepare SIZE
 *       The same with the input for a network of SIZE x SIZE pixels, as evaluation prepares it.
 *   pictures encode FILE COLOURS SAMPLING PROGRESSIVE HEIGHT WIDTH
 *       Writes a JPEG of pixels from standard input. COLOURS is grey, ycc, rgb, cmyk or ycck, SAMPLING two
 *       digits for each component ("221111").
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* after stdio.h, which it needs */
#include <jpeglib.h>

#include "files.h"
#include "image_file.h"
#include "loader.h"
#include "util.h"

enum { RGB = 3 };

static void put_picture(const uint8_t *pixels, uint32_t height, uint32_t width)
{
    printf("%u %u\n", (unsigned)height, (unsigned)width);
    fwrite(pixels, 1, (size_t)height * width * RGB, stdout);
}

static rncl_status decode(const char *path)
{
    rncl_image image;
    RNCL_TRY(rncl_image_file_decode(path, &(rncl_detail){0}, true, &image));
    put_picture(image.pixels, image.height, image.width);
    rncl_image_fini(&image);
    return RNCL_OK;
}

/* The loader's floats are bytes where the mean is 0 and the deviation 1/255. */
static rncl_status load(const rncl_dataset *pictures, int size)
{
    const float unit = 1.0f / 255;
    const rncl_loader_options options = {.dataset = pictures,
                                         .batch_size = 1,
                                         .image = size,
                                         .channels = RGB,
                                         .std = {unit, unit, unit},
                                         .workers = 1};
    rncl_loader *loader;
    const rncl_batch *batch;
    RNCL_TRY(rncl_loader_create(&options, &loader));
    rncl_status st = rncl_loader_next(loader, &batch);
    const char *problem = rncl_files_problem(pictures, 0);
    if (!st && problem)
        st = RNCL_FAIL(RNCL_ERR_DATA, "%s", problem);
    const size_t count = (size_t)size * (size_t)size * RGB;
    uint8_t *pixels = st ? NULL : malloc(count);
    for (size_t i = 0; pixels && i < count; i++)
        pixels[i] = (uint8_t)(batch->images[i] + 0.5f);
    if (pixels)
        put_picture(pixels, (uint32_t)size, (uint32_t)size);
    free(pixels);
    rncl_loader_destroy(loader);
    return st;
}

static rncl_status prepare(const char *path, int size)
{
    rncl_dataset *pictures;
    RNCL_TRY(rncl_files_open(&path, 1, true, &pictures));
    const rncl_status st = load(pictures, size);
    rncl_dataset_close(pictures);
    return st;
}

static int answer_all(int size)
{
    char path[4096];
    while (fgets(path, sizeof path, stdin)) {
        path[strcspn(path, "\n")] = '\0';
        if (size ? prepare(path, size) : decode(path))
            printf("refused: %s\n", rncl_status_message());
        fflush(stdout);
    }
    return 0;
}

static const struct {
    const char *name;
    J_COLOR_SPACE given, stored;
    int channels;
} colours[] = {
    {"grey", JCS_GRAYSCALE, JCS_GRAYSCALE, 1}, {"ycc", JCS_RGB, JCS_YCbCr, 3},  {"rgb", JCS_RGB, JCS_RGB, 3},
    {"cmyk", JCS_CMYK, JCS_CMYK, 4},           {"ycck", JCS_CMYK, JCS_YCCK, 4},
};

static int encode(char **argv)
{
    size_t kind = 0;
    while (kind < COUNT(colours) && strcmp(colours[kind].name, argv[1]) != 0)
        kind++;
    FILE *file = fopen(argv[0], "wb");
    if (kind == COUNT(colours) || !file || strlen(argv[2]) != 2 * (size_t)colours[kind].channels)
        return 2;
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors; /* the standard one, which ends the program */
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_stdio_dest(&jpeg, file);
    jpeg.image_height = (JDIMENSION)atoi(argv[4]);
    jpeg.image_width = (JDIMENSION)atoi(argv[5]);
    jpeg.input_components = colours[kind].channels;
    jpeg.in_color_space = colours[kind].given;
    jpeg_set_defaults(&jpeg);
    jpeg_set_colorspace(&jpeg, colours[kind].stored);
    jpeg_set_quality(&jpeg, 90, TRUE);
    for (int c = 0; c < colours[kind].channels; c++) {
        jpeg.comp_info[c].h_samp_factor = argv[2][2 * c] - '0';
        jpeg.comp_info[c].v_samp_factor = argv[2][2 * c + 1] - '0';
    }
    if (!strcmp(argv[3], "1"))
        jpeg_simple_progression(&jpeg);
    jpeg_start_compress(&jpeg, TRUE);
    const size_t row_bytes = (size_t)jpeg.image_width * (size_t)colours[kind].channels;
    JSAMPROW row = malloc(row_bytes);
    while (row && jpeg.next_scanline < jpeg.image_height && fread(row, 1, row_bytes, stdin) == row_bytes)
        jpeg_write_scanlines(&jpeg, &row, 1);
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    free(row);
    return fclose(file) != 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "decode"))
        return answer_all(0);
    if (argc == 3 && !strcmp(argv[1], "prepare"))
        return answer_all(atoi(argv[2]));
    if (argc == 8 && !strcmp(argv[1], "encode"))
        return encode(argv + 2);
    fprintf(
        stderr,
        "usage: pictures decode | prepare SIZE | encode FILE COLOURS SAMPLING PROGRESSIVE HEIGHT WIDTH\n");
    return 2;
}
