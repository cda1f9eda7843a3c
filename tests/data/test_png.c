/* PNGs of every kind decode to the right values; damaged ones are refused. Made with libpng and zlib. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <png.h>
#include <zlib.h>

#include "image.h"
#include "random.h"
#include "util.h"

enum { HEIGHT = 13, WIDTH = 11, MOST_BYTES = 1 << 14 };

typedef struct png_file {
    uint8_t bytes[MOST_BYTES];
    size_t size;
} png_file;

typedef struct png_kind {
    int colour, depth, interlace;
    bool transparent; /* with a tRNS chunk */
} png_kind;

static void write_bytes(png_structp png, png_bytep bytes, size_t size)
{
    png_file *file = png_get_io_ptr(png);
    assert_true(file->size + size <= MOST_BYTES);
    memcpy(file->bytes + file->size, bytes, size);
    file->size += size;
}

static void flush(png_structp png)
{
    (void)png;
}

static int channels_of(int colour)
{
    return colour == PNG_COLOR_TYPE_RGB          ? 3
           : colour == PNG_COLOR_TYPE_RGB_ALPHA  ? 4
           : colour == PNG_COLOR_TYPE_GRAY_ALPHA ? 2
                                                 : 1;
}

/* Sample c of a pixel: any value of the depth. */
static unsigned sample(int y, int x, int c, int depth)
{
    return (unsigned)(y * 40503 + x * 30011 + c * 20011 + y * x * 257) & ((1u << depth) - 1);
}

static png_color palette_colour(unsigned index)
{
    return (png_color){(png_byte)(index * 7), (png_byte)(255 - index), (png_byte)(index * 31)};
}

static void write_palette(png_structp png, png_infop info, const png_kind *kind)
{
    png_color palette[256];
    png_byte alpha[256];
    int count = 1 << kind->depth;
    for (int i = 0; i < count; i++) {
        palette[i] = palette_colour((unsigned)i);
        alpha[i] = (png_byte)(i * 3);
    }
    png_set_PLTE(png, info, palette, count);
    if (kind->transparent)
        png_set_tRNS(png, info, alpha, count, NULL);
}

static void write_row(png_structp png, const png_kind *kind, int y)
{
    uint8_t row[WIDTH * 4 * 2], *to = row;
    for (int x = 0; x < WIDTH; x++)
        for (int c = 0; c < channels_of(kind->colour); c++) {
            unsigned value = sample(y, x, c, kind->depth);
            if (kind->depth == 16)
                *to++ = (uint8_t)(value >> 8);
            *to++ = (uint8_t)value;
        }
    png_write_row(png, row);
}

static void make(const png_kind *kind, png_file *file)
{
    file->size = 0;
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    assert_non_null(info);
    png_set_write_fn(png, file, write_bytes, flush);
    png_set_IHDR(png, info, WIDTH, HEIGHT, kind->depth, kind->colour,
                 kind->interlace ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_color_16 transparent = {.gray = 1, .red = 1, .green = 2, .blue = 3};
    if (kind->colour == PNG_COLOR_TYPE_PALETTE)
        write_palette(png, info, kind);
    else if (kind->transparent)
        png_set_tRNS(png, info, NULL, 0, &transparent);
    png_text text = {
        .compression = PNG_TEXT_COMPRESSION_NONE, .key = (char *)"Comment", .text = (char *)"drawn"};
    png_set_text(png, info, &text, 1);
    png_write_info(png, info);
    png_set_packing(png);
    int passes = png_set_interlace_handling(png);
    for (int pass = 0; pass < passes; pass++)
        for (int y = 0; y < HEIGHT; y++)
            write_row(png, kind, y);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
}

static unsigned to_eight_bits(unsigned value, int depth)
{
    unsigned most = (1u << depth) - 1;
    return depth == 16 ? value >> 8 : value * 255 / most;
}

static unsigned expected(const png_kind *kind, int y, int x, int c)
{
    if (kind->colour == PNG_COLOR_TYPE_PALETTE) {
        png_color colour = palette_colour(sample(y, x, 0, kind->depth));
        return c == 0 ? colour.red : c == 1 ? colour.green : colour.blue;
    }
    return to_eight_bits(sample(y, x, channels_of(kind->colour) < 3 ? 0 : c, kind->depth), kind->depth);
}

static void check_pixels(const png_kind *kind, const rncl_image *image)
{
    assert_int_equal(image->height, HEIGHT);
    assert_int_equal(image->width, WIDTH);
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            for (int c = 0; c < 3; c++)
                assert_int_equal(image->pixels[(y * WIDTH + x) * 3 + c], expected(kind, y, x, c));
}

static void every_colour_type_depth_and_interlacing_decodes_to_its_values(void **state)
{
    (void)state;
    static const struct {
        int colour, depths[6];
    } colours[] = {
        {PNG_COLOR_TYPE_GRAY, {1, 2, 4, 8, 16}}, {PNG_COLOR_TYPE_PALETTE, {1, 2, 4, 8}},
        {PNG_COLOR_TYPE_RGB, {8, 16}},           {PNG_COLOR_TYPE_GRAY_ALPHA, {8, 16}},
        {PNG_COLOR_TYPE_RGB_ALPHA, {8, 16}},
    };
    png_file file;
    for (size_t i = 0; i < COUNT(colours); i++)
        for (const int *depth = colours[i].depths; *depth; depth++)
            for (int variant = 0; variant < 4; variant++) {
                bool has_alpha = colours[i].colour & PNG_COLOR_MASK_ALPHA;
                const png_kind kind = {colours[i].colour, *depth, variant & 1, (variant & 2) && !has_alpha};
                make(&kind, &file);
                rncl_image image;
                rncl_image_header header;
                assert_int_equal(rncl_image_decode(file.bytes, file.size, 0, &header, &image), RNCL_OK);
                check_pixels(&kind, &image);
                rncl_image_fini(&image);
            }
}

static void assert_refused(const uint8_t *bytes, size_t size)
{
    rncl_image image;
    rncl_image_header header;
    assert_int_equal(rncl_image_decode(bytes, size, 0, &header, &image), RNCL_ERR_DATA);
    assert_null(image.pixels);
}

static const png_kind kinds[] = {
    {PNG_COLOR_TYPE_PALETTE, 4, 0, true},
    {PNG_COLOR_TYPE_RGB, 8, 1, true},
    {PNG_COLOR_TYPE_GRAY, 16, 0, false},
};

static void assert_read(const png_kind *kind, const uint8_t *bytes, size_t size)
{
    rncl_image image;
    rncl_image_header header;
    assert_int_equal(rncl_image_decode(bytes, size, 0, &header, &image), RNCL_OK);
    check_pixels(kind, &image);
    rncl_image_fini(&image);
}

/* The empty chunk at the end may be missing, and the checksum of the pixels before it. */
static void a_file_that_ends_before_its_pixels_do_is_refused(void **state)
{
    (void)state;
    enum { END = 12, CHECKSUM = 4 };
    png_file file;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        make(&kinds[i], &file);
        for (size_t cut = 0; cut < file.size - END - CHECKSUM; cut++)
            assert_refused(file.bytes, cut);
        for (size_t cut = file.size - END - CHECKSUM; cut < file.size; cut++)
            assert_read(&kinds[i], file.bytes, cut);
    }
}

static uint32_t big_endian(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void put_big_endian(uint8_t *bytes, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* As in Pillow: that of the pixels does not count, since their data has one of its own. */
static void a_wrong_checksum_of_a_chunk_before_the_pixels_is_refused(void **state)
{
    (void)state;
    png_file file;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        make(&kinds[i], &file);
        bool pixels = false;
        for (size_t at = 8; at < file.size; at += big_endian(file.bytes + at) + 12) {
            uint8_t *checksum = file.bytes + at + 8 + big_endian(file.bytes + at);
            pixels |= !memcmp(file.bytes + at + 4, "IDAT", 4);
            *checksum ^= 1;
            if (pixels)
                assert_read(&kinds[i], file.bytes, file.size);
            else
                assert_refused(file.bytes, file.size);
            *checksum ^= 1;
        }
        assert_true(pixels);
    }
}

static void a_wrong_checksum_in_the_pixels_data_is_refused(void **state)
{
    (void)state;
    enum { END = 12, CHECKSUM = 4 };
    png_file file;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        make(&kinds[i], &file);
        file.bytes[file.size - END - CHECKSUM - 1] ^= 1;
        assert_refused(file.bytes, file.size);
    }
}

static void add_chunk(png_file *file, const char *type, const void *data, size_t size)
{
    uint8_t *to = file->bytes + file->size;
    put_big_endian(to, (uint32_t)size);
    memcpy(to + 4, type, 4);
    memcpy(to + 8, data, size);
    put_big_endian(to + 8 + size, (uint32_t)crc32(0, to + 4, (uInt)(4 + size)));
    file->size += size + 12;
}

/* A grey picture of 8 bits whose compressed rows are `rows`. */
static void assemble(png_file *file, uint32_t height, uint32_t width, const uint8_t *rows, size_t size)
{
    uint8_t header[13] = {[8] = 8}, packed[1024];
    uLongf packed_size = sizeof packed;
    put_big_endian(header, width);
    put_big_endian(header + 4, height);
    memcpy(file->bytes, "\x89PNG\r\n\x1a\n", 8);
    file->size = 8;
    assert_int_equal(compress(packed, &packed_size, rows, size), Z_OK);
    add_chunk(file, "IHDR", header, sizeof header);
    add_chunk(file, "IDAT", packed, packed_size);
    add_chunk(file, "IEND", "", 0);
}

/* An animation of two frames: the first is the picture, the second would be black. */
static void an_animation_decodes_to_its_default_picture(void **state)
{
    (void)state;
    static const uint8_t rows[] = {0, 10, 20, 0, 30, 40}, black[] = {0, 0, 0, 0, 0, 0};
    uint8_t control[8] = {[3] = 2}, frame[26] = {[7] = 2, [11] = 2}, data[64] = {[3] = 2};
    png_file plain, animated;
    assemble(&plain, 2, 2, rows, sizeof rows);
    const size_t before_data = 8 + 25, end_size = 12; /* signature and IHDR; IEND */
    memcpy(animated.bytes, plain.bytes, before_data);
    animated.size = before_data;
    add_chunk(&animated, "acTL", control, sizeof control);
    add_chunk(&animated, "fcTL", frame, sizeof frame);
    memcpy(animated.bytes + animated.size, plain.bytes + before_data, plain.size - before_data - end_size);
    animated.size += plain.size - before_data - end_size;
    frame[3] = 1;
    add_chunk(&animated, "fcTL", frame, sizeof frame);
    uLongf data_size = sizeof data - 4;
    assert_int_equal(compress(data + 4, &data_size, black, sizeof black), Z_OK);
    add_chunk(&animated, "fdAT", data, data_size + 4);
    add_chunk(&animated, "IEND", "", 0);
    rncl_image image;
    rncl_image_header header;
    assert_int_equal(rncl_image_decode(animated.bytes, animated.size, 0, &header, &image), RNCL_OK);
    for (size_t i = 0; i < 12; i++)
        assert_int_equal(image.pixels[i], 10 * (i / 3 + 1));
    rncl_image_fini(&image);
}

static int orientation_with(const char *type, const void *data, size_t size, bool at_end)
{
    static const uint8_t rows[] = {0, 10, 20, 0, 30, 40};
    png_file plain, file = {.size = 0};
    assemble(&plain, 2, 2, rows, sizeof rows);
    const size_t end_size = 12,
                 before = at_end ? plain.size - end_size : 8 + 25; /* IEND; signature and IHDR */
    memcpy(file.bytes, plain.bytes, file.size = before);
    add_chunk(&file, type, data, size);
    memcpy(file.bytes + file.size, plain.bytes + before, plain.size - before);
    file.size += plain.size - before;
    rncl_image image;
    rncl_image_header header;
    assert_int_equal(rncl_image_decode(file.bytes, file.size, 0, &header, &image), RNCL_OK);
    rncl_image_fini(&image);
    return header.orientation;
}

static void the_orientation_is_read_from_every_place_that_pillow_knows(void **state)
{
    (void)state;
    static const uint8_t exif[] = "II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x05\0\0\0\0\0\0";
    char raw[] = "Raw profile type exif\0\nexif\n      26\n"
                 "49492a00080000000100120103000100000008000000\n00000000\n";
    static const char xmp[] = "XML:com.adobe.xmp\0\0\0\0\0<tiff:Orientation>4</tiff:Orientation>";
    for (int at_end = 0; at_end < 2; at_end++) {
        assert_int_equal(orientation_with("eXIf", exif, sizeof exif - 1, at_end), 5);
        assert_int_equal(orientation_with("tEXt", raw, sizeof raw - 1, at_end), 8);
        assert_int_equal(orientation_with("iTXt", xmp, sizeof xmp - 1, at_end), 4);
    }
    for (size_t cut = 0; cut < sizeof exif - 8; cut++) /* without the value, or before */
        assert_int_equal(orientation_with("eXIf", exif, cut, false), RNCL_UPRIGHT);
}

/* A picture with an orientation of 5 before or behind its pixels. Returns the size of its chunk's contents.
 */
static size_t assemble_turned(png_file *file, bool at_end)
{
    static const uint8_t rows[] = {0, 10, 20, 0, 30, 40};
    static const uint8_t exif[] = "II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x05\0\0\0\0\0\0";
    const size_t end_size = 12;
    png_file plain;
    assemble(&plain, 2, 2, rows, sizeof rows);
    const size_t before = at_end ? plain.size - end_size : 8 + 25; /* IEND; signature and IHDR */
    memcpy(file->bytes, plain.bytes, file->size = before);
    add_chunk(file, "eXIf", exif, sizeof exif - 1);
    memcpy(file->bytes + file->size, plain.bytes + before, plain.size - before);
    file->size += plain.size - before;
    return sizeof exif - 1;
}

static void the_orientation_does_not_need_the_end_chunk(void **state)
{
    (void)state;
    enum { END = 12 };
    for (int at_end = 0; at_end < 2; at_end++) {
        png_file file;
        rncl_image image;
        rncl_image_header header;
        assemble_turned(&file, at_end);
        assert_int_equal(rncl_image_decode(file.bytes, file.size - END, 0, &header, &image), RNCL_OK);
        assert_int_equal(header.orientation, 5);
        rncl_image_fini(&image);
    }
}

static void a_late_orientation_that_is_cut_off_is_refused(void **state)
{
    (void)state;
    enum { END = 12, CHECKSUM = 4 };
    png_file file;
    const size_t size = assemble_turned(&file, true);
    for (size_t cut = 1; cut <= size; cut++)
        assert_refused(file.bytes, file.size - END - CHECKSUM - cut);
}

static void a_filter_that_does_not_exist_is_refused(void **state)
{
    (void)state;
    png_file file;
    uint8_t rows[] = {0, 10, 20, 0, 30, 40};
    assemble(&file, 2, 2, rows, sizeof rows);
    rncl_image image;
    rncl_image_header header;
    assert_int_equal(rncl_image_decode(file.bytes, file.size, 0, &header, &image), RNCL_OK);
    assert_int_equal(image.pixels[9], 40);
    rncl_image_fini(&image);
    rows[3] = 9;
    assemble(&file, 2, 2, rows, sizeof rows);
    assert_refused(file.bytes, file.size);
}

static void a_header_that_promises_too_much_is_refused(void **state)
{
    (void)state;
    static const struct {
        uint32_t height, width;
    } sizes[] = {{0, 2}, {2, 0}, {0x7fffffff, 0x7fffffff}, {60000, 60000}, {0xffffffff, 1}, {3, 2}};
    const uint8_t rows[] = {0, 10, 20, 0, 30, 40};
    png_file file;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        assemble(&file, sizes[i].height, sizes[i].width, rows, sizeof rows);
        assert_refused(file.bytes, file.size);
    }
    rncl_image_header header;
    assemble(&file, 60000, 60000, rows, sizeof rows);
    assert_int_equal(rncl_image_probe(file.bytes, file.size, &header), RNCL_ERR_DATA);
}

/* Checksums are corrected, so that the damaged data is decoded. */
static void random_damage_never_does_harm(void **state)
{
    (void)state;
    rncl_random random = rncl_random_stream(2, RNCL_RANDOM_TEST, 0, 0);
    png_file file;
    for (int i = 0; i < 600; i++) {
        make(&kinds[(size_t)i % COUNT(kinds)], &file);
        file.bytes[8 + rncl_random_below(&random, (uint32_t)file.size - 8)] =
            (uint8_t)rncl_random_below(&random, 256);
        for (size_t at = 8; at + 12 <= file.size && big_endian(file.bytes + at) <= file.size - at - 12;
             at += big_endian(file.bytes + at) + 12) {
            uint32_t size = big_endian(file.bytes + at);
            put_big_endian(file.bytes + at + 8 + size, (uint32_t)crc32(0, file.bytes + at + 4, size + 4));
        }
        rncl_image image;
        rncl_image_header header;
        rncl_status st = rncl_image_decode(file.bytes, file.size, 0, &header, &image);
        assert_true(st == RNCL_ERR_DATA ? !image.pixels : st == RNCL_OK && image.pixels);
        rncl_image_fini(&image);
    }
}

static void what_is_neither_png_nor_jpeg_is_refused(void **state)
{
    (void)state;
    static const char text[] = "GIF89a, and other things";
    assert_int_equal(rncl_image_recognise(text, sizeof text), RNCL_IMAGE_UNKNOWN);
    assert_refused((const uint8_t *)text, sizeof text);
    assert_refused((const uint8_t *)"", 0);
}

static void probing_reads_the_size(void **state)
{
    (void)state;
    png_file file;
    make(&kinds[0], &file);
    rncl_image_header header;
    assert_int_equal(rncl_image_probe(file.bytes, file.size, &header), RNCL_OK);
    assert_int_equal(header.height, HEIGHT);
    assert_int_equal(header.width, WIDTH);
    assert_int_equal(rncl_image_recognise(file.bytes, file.size), RNCL_IMAGE_PNG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_colour_type_depth_and_interlacing_decodes_to_its_values),
        cmocka_unit_test(a_file_that_ends_before_its_pixels_do_is_refused),
        cmocka_unit_test(a_wrong_checksum_of_a_chunk_before_the_pixels_is_refused),
        cmocka_unit_test(a_wrong_checksum_in_the_pixels_data_is_refused),
        cmocka_unit_test(a_late_orientation_that_is_cut_off_is_refused),
        cmocka_unit_test(the_orientation_does_not_need_the_end_chunk),
        cmocka_unit_test(an_animation_decodes_to_its_default_picture),
        cmocka_unit_test(the_orientation_is_read_from_every_place_that_pillow_knows),
        cmocka_unit_test(a_filter_that_does_not_exist_is_refused),
        cmocka_unit_test(a_header_that_promises_too_much_is_refused),
        cmocka_unit_test(random_damage_never_does_harm),
        cmocka_unit_test(what_is_neither_png_nor_jpeg_is_refused),
        cmocka_unit_test(probing_reads_the_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
