/* JPEGs of every kind decode; truncated ones are refused. Made with libjpeg. */
#include "data/folder_test.h"
#include "data/jpeg_test.h"
#include "image_file.h"
#include "random.h"
#include "util.h"

enum { ADOBE = 0xee, FRAME = 0xc0, TABLES = 0xc4 };

/* Mean difference between the decoded picture and the pixels that `expect` computes. */
static double error_of(const jpeg_file *file, int (*expect)(const uint8_t *drawn, int c), int channels)
{
    uint8_t drawn[HEIGHT * WIDTH * 4];
    draw(drawn, channels);
    rncl_image image;
    rncl_image_header header;
    const rncl_status st = rncl_image_decode(file->bytes, file->size, 0, &header, &image);
    if (st)
        print_error("%s\n", rncl_status_message());
    assert_int_equal(st, RNCL_OK);
    assert_int_equal(image.height, HEIGHT);
    assert_int_equal(image.width, WIDTH);
    double sum = 0;
    for (int i = 0; i < HEIGHT * WIDTH; i++)
        for (int c = 0; c < 3; c++)
            sum += abs(image.pixels[i * 3 + c] - expect(drawn + i * channels, c));
    rncl_image_fini(&image);
    return sum / (HEIGHT * WIDTH * 3);
}

static int same(const uint8_t *drawn, int c)
{
    return drawn[c];
}

static int luminance(const uint8_t *drawn, int c)
{
    (void)c;
    return (int)(0.299 * drawn[0] + 0.587 * drawn[1] + 0.114 * drawn[2] + 0.5);
}

static int from_inks(const uint8_t *drawn, int c)
{
    return (drawn[c] * drawn[3] + 127) / 255;
}

/* Luma and both chroma, horizontally and vertically: 4:4:4, 4:2:2, 4:2:0, 4:4:0, 4:1:1, 4:1:0, 4:4:1, chroma
 * of different sizes, and chroma finer than luma. */
static const int samplings[][3][2] = {
    {{1, 1}, {1, 1}, {1, 1}}, {{2, 1}, {1, 1}, {1, 1}}, {{2, 2}, {1, 1}, {1, 1}},
    {{1, 2}, {1, 1}, {1, 1}}, {{4, 1}, {1, 1}, {1, 1}}, {{4, 2}, {1, 1}, {1, 1}},
    {{1, 4}, {1, 1}, {1, 1}}, {{2, 2}, {2, 1}, {1, 2}}, {{1, 1}, {2, 1}, {1, 2}},
};

static void colour_decodes_with_every_subsampling(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(samplings); i++) {
        jpeg_kind kind = {.channels = 3, .stored = JCS_YCbCr};
        memcpy(kind.sampling, samplings[i], sizeof samplings[i]);
        for (int progressive = 0; progressive < 2; progressive++) {
            kind.progressive = progressive;
            jpeg_file file = compress(&kind);
            assert_true(error_of(&file, same, 3) < 2.5);
            free(file.bytes);
        }
    }
}

static void four_inks_decode_with_every_subsampling(void **state)
{
    (void)state;
    static const J_COLOR_SPACE spaces[] = {JCS_CMYK, JCS_YCCK};
    for (size_t i = 0; i < 2 * COUNT(samplings); i++) {
        jpeg_kind kind = {.channels = 4, .stored = spaces[i % 2]};
        memcpy(kind.sampling, samplings[i / 2], sizeof samplings[i / 2]);
        memcpy(kind.sampling[3], kind.sampling[0], sizeof kind.sampling[3]);
        int blocks = 0;
        for (int c = 0; c < 4; c++)
            blocks += kind.sampling[c][0] * kind.sampling[c][1];
        if (blocks > C_MAX_BLOCKS_IN_MCU)
            kind.sampling[3][0] = kind.sampling[3][1] = 1; /* coarse black, where fine black does not fit */
        if (blocks - kind.sampling[0][0] * kind.sampling[0][1] + 1 > C_MAX_BLOCKS_IN_MCU)
            continue;
        jpeg_file file = compress(&kind);
        assert_true(error_of(&file, from_inks, 4) < 3.0);
        free(file.bytes);
    }
}

static void colour_that_is_stored_as_it_is_decodes(void **state)
{
    (void)state;
    jpeg_file file = compress(&(jpeg_kind){.channels = 3, .stored = JCS_RGB});
    assert_true(error_of(&file, same, 3) < 1.0);
    free(file.bytes);
}

static void grey_becomes_three_equal_channels(void **state)
{
    (void)state;
    jpeg_file file = compress(&(jpeg_kind){.channels = 3, .stored = JCS_GRAYSCALE});
    assert_true(error_of(&file, luminance, 3) < 1.5);
    free(file.bytes);
}

static void arithmetic_coding_decodes(void **state)
{
    (void)state;
    jpeg_file file = compress(&(jpeg_kind){.channels = 3, .stored = JCS_YCbCr, .arithmetic = true});
    assert_true(error_of(&file, same, 3) < 2.0);
    free(file.bytes);
}

/* Address of the first marker `code` (0xFFxx) of a file. */
static unsigned char *find_marker(const jpeg_file *file, unsigned char code)
{
    for (unsigned char *at = file->bytes + 2; at + 4 < file->bytes + file->size;
         at += 2 + (at[2] << 8 | at[3]))
        if (at[1] == code)
            return at;
    fail_msg("no marker %02x", code);
    return NULL;
}

/* The same file with `count` bytes inserted at `at`. */
static jpeg_file insert(const jpeg_file *file, size_t at, const void *bytes, size_t count)
{
    jpeg_file longer = {.bytes = malloc(file->size + count), .size = file->size + count};
    assert_non_null(longer.bytes);
    memcpy(longer.bytes, file->bytes, at);
    memcpy(longer.bytes + at, bytes, count);
    memcpy(longer.bytes + at + count, file->bytes + at, file->size - at);
    return longer;
}

static void stray_bytes_between_segments_and_before_the_end_are_skipped(void **state)
{
    (void)state;
    uint8_t stray[65];
    for (size_t i = 0; i < sizeof stray; i++)
        stray[i] = (uint8_t)(i + 1);
    jpeg_file file = compress(&(jpeg_kind){.channels = 3, .stored = JCS_YCbCr});
    const size_t places[] = {(size_t)(find_marker(&file, TABLES) - file.bytes), file.size - 2, file.size};
    for (size_t i = 0; i < COUNT(places); i++) {
        jpeg_file longer = insert(&file, places[i], stray, i == 0 ? 2 : sizeof stray);
        assert_true(error_of(&longer, same, 3) < 2.0);
        free(longer.bytes);
    }
    free(file.bytes);
}

static void a_version_that_nobody_knows_is_read(void **state)
{
    (void)state;
    jpeg_file file = compress(&(jpeg_kind){.channels = 3, .stored = JCS_YCbCr});
    memset(find_marker(&file, JPEG_APP0) + 4 + sizeof "JFIF", 0, 2); /* 0.00 */
    assert_true(error_of(&file, same, 3) < 2.0);
    free(file.bytes);
}

/* The file stores YCCK, but its marker says that these are the inks themselves. */
static int from_stored_inks(const uint8_t *drawn, int c)
{
    const double cyan = 255 - drawn[0], magenta = 255 - drawn[1], yellow = 255 - drawn[2];
    const double stored[] = {0.299 * cyan + 0.587 * magenta + 0.114 * yellow,
                             -0.168736 * cyan - 0.331264 * magenta + 0.5 * yellow + 128,
                             0.5 * cyan - 0.418688 * magenta - 0.081312 * yellow + 128};
    return (int)(stored[c] * drawn[3] / 255 + 0.5);
}

static void four_inks_that_were_stored_as_they_are_decode(void **state)
{
    (void)state;
    enum { TRANSFORM = 15 }; /* 2: YCCK, 0: CMYK */
    jpeg_file file = compress(&(jpeg_kind){.channels = 4, .stored = JCS_YCCK});
    unsigned char *transform = find_marker(&file, ADOBE) + TRANSFORM;
    assert_int_equal(*transform, 2);
    *transform = 0;
    assert_true(error_of(&file, from_stored_inks, 4) < 2.0);
    free(file.bytes);
}

static void expect_no_picture(const jpeg_file *file, const char *reason)
{
    rncl_image image;
    rncl_image_header header;
    assert_int_equal(rncl_image_decode(file->bytes, file->size, 100, &header, &image), RNCL_ERR_DATA);
    if (!strstr(rncl_status_message(), reason))
        fail_msg("expected \"%s\" in: %s", reason, rncl_status_message());
    assert_null(image.pixels);
}

static void a_header_that_promises_too_much_is_refused(void **state)
{
    (void)state;
    enum { PICTURE_SIZE = 5 };
    jpeg_file file = compress(&(jpeg_kind){.channels = 3, .stored = JCS_YCbCr});
    memset(find_marker(&file, FRAME) + PICTURE_SIZE, 0x70, 4); /* 28784 x 28784 */
    rncl_image_header header;
    assert_int_equal(rncl_image_probe(file.bytes, file.size, &header), RNCL_ERR_DATA);
    expect_no_picture(&file, "28784 x 28784");
    free(file.bytes);
}

static void pictures_of_telephones_are_within_the_limit(void **state)
{
    (void)state;
    enum { PICTURE_SIZE = 5 };
    static const uint8_t largest[] = {0x30, 0x00, 0x40, 0x00}; /* 12288 x 16384 */
    jpeg_file file = compress(&(jpeg_kind){.channels = 3, .stored = JCS_YCbCr});
    memcpy(find_marker(&file, FRAME) + PICTURE_SIZE, largest, sizeof largest);
    rncl_image_header header;
    assert_int_equal(rncl_image_probe(file.bytes, file.size, &header), RNCL_OK);
    assert_int_equal(header.width, 16384);
    free(file.bytes);
}

static void a_file_that_would_take_all_memory_is_refused(void **state)
{
    (void)state;
    enum { PROGRESSIVE_FRAME = 0xc2, PICTURE_SIZE = 5 };
    static const uint8_t largest[] = {0x30, 0x00, 0x40, 0x00}; /* 12288 x 16384 */
    jpeg_file file = compress(&(jpeg_kind){.channels = 4,
                                           .stored = JCS_CMYK,
                                           .progressive = true,
                                           .sampling = {{1, 1}, {1, 1}, {1, 1}, {1, 1}}});
    memcpy(find_marker(&file, PROGRESSIVE_FRAME) + PICTURE_SIZE, largest, sizeof largest);
    expect_no_picture(&file, "MiB");
    free(file.bytes);
}

static void the_smallest_sufficient_scale_is_decoded(void **state)
{
    (void)state;
    jpeg_file file = compress(&(jpeg_kind){.channels = 3, .stored = JCS_YCbCr});
    static const uint32_t wanted[] = {1, 10, 11, 20, 40, 41, 80, 81},
                          shorter[] = {10, 10, 20, 20, 40, 50, 80, 80};
    for (size_t i = 0; i < COUNT(wanted); i++) {
        rncl_image image;
        rncl_image_header header;
        assert_int_equal(rncl_image_decode(file.bytes, file.size, wanted[i], &header, &image), RNCL_OK);
        assert_int_equal(image.height, shorter[i]);
        assert_int_equal(header.height, HEIGHT);
        assert_float_equal(header.scale, (float)shorter[i] / HEIGHT, 1e-6f);
        rncl_image_fini(&image);
    }
    free(file.bytes);
}

/* A file that lacks only its end marker, or padding bits of its last byte, has all pixels: it may be
 * refused or decoded completely. */
static void expect_refused_or_same(const jpeg_file *file, const jpeg_file *whole)
{
    rncl_image image, expected;
    rncl_image_header header;
    assert_int_equal(rncl_image_decode(whole->bytes, whole->size, 0, &header, &expected), RNCL_OK);
    if (!rncl_image_decode(file->bytes, file->size, 0, &header, &image))
        assert_memory_equal(image.pixels, expected.pixels, HEIGHT * WIDTH * 3);
    rncl_image_fini(&image);
    rncl_image_fini(&expected);
}

static void a_file_that_ends_too_early_is_refused(void **state)
{
    enum { END = 4 }; /* the marker, and two bytes of data */
    (void)state;
    for (int progressive = 0; progressive < 2; progressive++) {
        jpeg_file file =
            compress(&(jpeg_kind){.channels = 3, .stored = JCS_YCbCr, .progressive = progressive});
        for (unsigned long cut = 0; cut < file.size - END; cut++)
            expect_no_picture(&(jpeg_file){file.bytes, cut}, "");
        for (unsigned long cut = file.size - END; cut < file.size; cut++)
            expect_refused_or_same(&(jpeg_file){file.bytes, cut}, &file);
        free(file.bytes);
    }
}

static void endless_scans_are_refused(void **state)
{
    (void)state;
    jpeg_file file = compress(&(jpeg_kind){.channels = 3, .stored = JCS_YCbCr, .progressive = true});
    /* The last scan, with its tables before it, again and again. */
    size_t last = file.size - 2;
    while (file.bytes[last] != 0xff || file.bytes[last + 1] != 0xda)
        last--;
    const size_t scan = file.size - 2 - last;
    enum { TIMES = 600 };
    jpeg_file longer = {.bytes = malloc(file.size + TIMES * scan), .size = file.size + TIMES * scan};
    assert_non_null(longer.bytes);
    memcpy(longer.bytes, file.bytes, file.size - 2);
    for (size_t i = 0; i < TIMES; i++)
        memcpy(longer.bytes + file.size - 2 + i * scan, file.bytes + last, scan);
    memcpy(longer.bytes + longer.size - 2, file.bytes + file.size - 2, 2);
    expect_no_picture(&longer, "scans");
    free(longer.bytes);
    free(file.bytes);
}

static void random_damage_never_does_harm(void **state)
{
    (void)state;
    rncl_random random = rncl_random_stream(1, RNCL_RANDOM_TEST, 0, 0);
    for (int i = 0; i < 300; i++) {
        jpeg_file file =
            compress(&(jpeg_kind){.channels = 3, .stored = JCS_YCbCr, .progressive = i % 2 == 1});
        for (int j = 0; j < 3; j++)
            file.bytes[rncl_random_below(&random, (uint32_t)file.size)] =
                (unsigned char)rncl_random_below(&random, 256);
        rncl_image image;
        rncl_image_header header;
        rncl_status st = rncl_image_decode(file.bytes, file.size, 0, &header, &image);
        assert_true(st == RNCL_ERR_DATA ? !image.pixels : st == RNCL_OK && image.pixels);
        rncl_image_fini(&image);
        free(file.bytes);
    }
}

/* An EXIF segment, or an XMP one, after the file's first marker. */
static jpeg_file with_segment(const jpeg_file *file, const void *content, size_t size)
{
    uint8_t segment[256] = {0xff, 0xe1, 0, (uint8_t)(size + 2)};
    assert_true(size + 4 < sizeof segment);
    memcpy(segment + 4, content, size);
    return insert(file, 2, segment, size + 4);
}

static void the_orientation_is_read_from_exif_and_from_xmp(void **state)
{
    (void)state;
    static const char xmp[] = "http://ns.adobe.com/xap/1.0/\0<x tiff:Orientation=\"3\"/>";
    uint8_t exif[] = "Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0";
    jpeg_file file = compress(&(jpeg_kind){.channels = 3, .stored = JCS_YCbCr});
    jpeg_file by_exif = with_segment(&file, exif, sizeof exif - 1);
    jpeg_file by_xmp = with_segment(&file, xmp, sizeof xmp - 1);
    jpeg_file by_both = with_segment(&by_xmp, exif, sizeof exif - 1);
    const jpeg_file *files[] = {&file, &by_exif, &by_xmp, &by_both};
    static const int expected[] = {RNCL_UPRIGHT, 6, 3, 6};
    for (size_t i = 0; i < COUNT(files); i++) {
        rncl_image_header header;
        assert_int_equal(rncl_image_probe(files[i]->bytes, files[i]->size, &header), RNCL_OK);
        assert_int_equal(header.orientation, expected[i]);
        free(files[i]->bytes);
    }
}

static void probing_reads_the_size(void **state)
{
    (void)state;
    jpeg_file file = compress(&(jpeg_kind){.channels = 3, .stored = JCS_YCbCr});
    rncl_image_header header;
    assert_int_equal(rncl_image_probe(file.bytes, file.size, &header), RNCL_OK);
    assert_int_equal(header.height, HEIGHT);
    assert_int_equal(header.width, WIDTH);
    assert_int_equal(header.orientation, RNCL_UPRIGHT);
    assert_int_equal(rncl_image_recognise(file.bytes, file.size), RNCL_IMAGE_JPEG);
    free(file.bytes);
}

/* A side of a few pixels is as long at seven eighths of the scale as it is in full. */
static void thin_jpegs_are_not_scaled_down(void **state)
{
    uint8_t pixels[60 * 3];
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(i * 4);
    char *path = place(*state, "thin.jpg");
    for (uint32_t width = 1; width <= 3; width++) {
        struct jpeg_compress_struct jpeg;
        struct jpeg_error_mgr errors;
        FILE *file = fopen(path, "wb");
        assert_non_null(file);
        jpeg.err = jpeg_std_error(&errors);
        jpeg_create_compress(&jpeg);
        jpeg_stdio_dest(&jpeg, file);
        jpeg.image_height = 60 / width;
        jpeg.image_width = width;
        jpeg.input_components = 3;
        jpeg.in_color_space = JCS_RGB;
        jpeg_set_defaults(&jpeg);
        jpeg_start_compress(&jpeg, TRUE);
        while (jpeg.next_scanline < jpeg.image_height)
            jpeg_write_scanlines(&jpeg, (JSAMPROW[]){pixels + jpeg.next_scanline * width * 3}, 1);
        jpeg_finish_compress(&jpeg);
        jpeg_destroy_compress(&jpeg);
        assert_int_equal(fclose(file), 0);
        rncl_image image;
        const rncl_detail detail = {.shorter = 32, .exact = true};
        assert_int_equal(rncl_image_file_decode(path, &detail, true, &image), RNCL_OK);
        assert_int_equal(image.height, 60 / width);
        assert_int_equal(image.width, width);
        rncl_image_fini(&image);
    }
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(colour_decodes_with_every_subsampling),
        cmocka_unit_test(four_inks_decode_with_every_subsampling),
        cmocka_unit_test(colour_that_is_stored_as_it_is_decodes),
        cmocka_unit_test(grey_becomes_three_equal_channels),
        cmocka_unit_test(arithmetic_coding_decodes),
        cmocka_unit_test(stray_bytes_between_segments_and_before_the_end_are_skipped),
        cmocka_unit_test(a_version_that_nobody_knows_is_read),
        cmocka_unit_test(four_inks_that_were_stored_as_they_are_decode),
        cmocka_unit_test(a_header_that_promises_too_much_is_refused),
        cmocka_unit_test(pictures_of_telephones_are_within_the_limit),
        cmocka_unit_test(a_file_that_would_take_all_memory_is_refused),
        cmocka_unit_test(the_smallest_sufficient_scale_is_decoded),
        cmocka_unit_test(a_file_that_ends_too_early_is_refused),
        cmocka_unit_test(endless_scans_are_refused),
        cmocka_unit_test(random_damage_never_does_harm),
        cmocka_unit_test(the_orientation_is_read_from_exif_and_from_xmp),
        cmocka_unit_test(probing_reads_the_size),
        cmocka_unit_test_setup_teardown(thin_jpegs_are_not_scaled_down, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
