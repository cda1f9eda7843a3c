/* WebP decodes, lossy and lossless, still and animated; truncated files are refused. Made with libwebp. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <webp/encode.h>

#include "image.h"
#include "random.h"
#include "util.h"

enum { HEIGHT = 40, WIDTH = 50 };

typedef struct webp_file {
    uint8_t *bytes;
    size_t size;
} webp_file;

static uint8_t drawn(int y, int x, int c)
{
    return (uint8_t)(c == 0 ? 4 * x + 20 : c == 1 ? 5 * y + 10 : 250 - x - y);
}

/* A smooth picture, optionally with all degrees of transparency. */
static webp_file compress(bool lossless, bool alpha)
{
    uint8_t pixels[HEIGHT * WIDTH * 4];
    for (int i = 0; i < HEIGHT * WIDTH; i++) {
        for (int c = 0; c < 3; c++)
            pixels[i * 4 + c] = drawn(i / WIDTH, i % WIDTH, c);
        pixels[i * 4 + 3] = (uint8_t)(alpha ? i % 200 + 20 : 255);
    }
    webp_file file;
    file.size = lossless ? WebPEncodeLosslessRGBA(pixels, WIDTH, HEIGHT, WIDTH * 4, &file.bytes)
                         : WebPEncodeRGBA(pixels, WIDTH, HEIGHT, WIDTH * 4, 98, &file.bytes);
    assert_int_not_equal(file.size, 0);
    return file;
}

static rncl_status decode(const webp_file *file, rncl_image_header *header, rncl_image *image)
{
    return rncl_image_decode(file->bytes, file->size, 10, header, image);
}

static void pictures_decode_and_transparency_is_dropped(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        const bool lossless = kind % 2;
        webp_file file = compress(lossless, kind / 2);
        rncl_image image;
        rncl_image_header header;
        assert_int_equal(decode(&file, &header, &image), RNCL_OK);
        assert_int_equal(image.height, HEIGHT);
        assert_int_equal(image.width, WIDTH);
        assert_int_equal(header.orientation, RNCL_UPRIGHT);
        int error = 0;
        for (int i = 0; i < HEIGHT * WIDTH * 3; i++)
            error += abs(image.pixels[i] - drawn(i / 3 / WIDTH, i / 3 % WIDTH, i % 3));
        assert_true(error <= (lossless ? 0 : 3 * HEIGHT * WIDTH * 3));
        rncl_image_fini(&image);
        WebPFree(file.bytes);
    }
}

static void put_little_endian(uint8_t *to, uint32_t value, int count)
{
    for (int i = 0; i < count; i++)
        to[i] = (uint8_t)(value >> 8 * i);
}

static size_t add_chunk(uint8_t *to, const char *name, const void *data, uint32_t size)
{
    memcpy(to, name, 4);
    put_little_endian(to + 4, size, 4);
    memcpy(to + 8, data, size);
    to[8 + size] = 0;
    return 8 + size + size % 2;
}

/* Turns the simple file into an extended one with a canvas of the given size and the features in `flags`. */
static webp_file extend(const webp_file *simple, uint8_t flags, uint32_t height, uint32_t width)
{
    webp_file file = {.bytes = calloc(1, simple->size + 1024)};
    assert_non_null(file.bytes);
    uint8_t canvas[10] = {flags};
    put_little_endian(canvas + 4, width - 1, 3);
    put_little_endian(canvas + 7, height - 1, 3);
    memcpy(file.bytes, "RIFF....WEBP", 12);
    file.size = 12 + add_chunk(file.bytes + 12, "VP8X", canvas, sizeof canvas);
    return file;
}

static void finish(webp_file *file)
{
    put_little_endian(file->bytes + 4, (uint32_t)file->size - 8, 4);
}

static void the_orientation_is_read_from_the_exif_chunk(void **state)
{
    (void)state;
    enum { EXIF = 8, XMP = 4 };
    static const char exif[] = "Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x08\0\0\0\0\0\0";
    static const char xmp[] = "<rdf tiff:Orientation=\"7\">";
    webp_file simple = compress(true, false);
    for (int with_exif = 0; with_exif < 2; with_exif++) {
        webp_file file = extend(&simple, with_exif ? EXIF | XMP : XMP, HEIGHT, WIDTH);
        memcpy(file.bytes + file.size, simple.bytes + 12, simple.size - 12);
        file.size += simple.size - 12;
        if (with_exif)
            file.size += add_chunk(file.bytes + file.size, "EXIF", exif, sizeof exif - 1);
        file.size += add_chunk(file.bytes + file.size, "XMP ", xmp, sizeof xmp - 1);
        finish(&file);
        rncl_image image;
        rncl_image_header header;
        assert_int_equal(decode(&file, &header, &image), RNCL_OK);
        assert_int_equal(header.orientation, with_exif ? 8 : 7);
        rncl_image_fini(&image);
        assert_int_equal(rncl_image_probe(file.bytes, file.size, &header), RNCL_OK);
        assert_int_equal(header.orientation, with_exif ? 8 : 7);
        free(file.bytes);
    }
    WebPFree(simple.bytes);
}

static void the_first_picture_of_an_animation_lies_on_a_black_canvas(void **state)
{
    (void)state;
    enum { ANIMATION = 2, TOP = 6, LEFT = 8 };
    webp_file simple = compress(true, false);
    webp_file file = extend(&simple, ANIMATION, HEIGHT + 10, WIDTH + 20);
    static const uint8_t white[6] = {255, 255, 255, 255};
    file.size += add_chunk(file.bytes + file.size, "ANIM", white, sizeof white);
    const size_t frame_size = 16 + simple.size - 12;
    uint8_t *frame = calloc(1, frame_size);
    assert_non_null(frame);
    put_little_endian(frame, LEFT / 2, 3);
    put_little_endian(frame + 3, TOP / 2, 3);
    put_little_endian(frame + 6, WIDTH - 1, 3);
    put_little_endian(frame + 9, HEIGHT - 1, 3);
    put_little_endian(frame + 12, 100, 3);
    memcpy(frame + 16, simple.bytes + 12, simple.size - 12);
    file.size += add_chunk(file.bytes + file.size, "ANMF", frame, (uint32_t)frame_size);
    finish(&file);
    rncl_image image;
    rncl_image_header header;
    assert_int_equal(decode(&file, &header, &image), RNCL_OK);
    assert_int_equal(image.height, HEIGHT + 10);
    assert_int_equal(image.width, WIDTH + 20);
    for (int y = 0; y < HEIGHT + 10; y++)
        for (int x = 0; x < WIDTH + 20; x++) {
            const bool inside = y >= TOP && y < TOP + HEIGHT && x >= LEFT && x < LEFT + WIDTH;
            const uint8_t *pixel = image.pixels + (y * (WIDTH + 20) + x) * 3;
            for (int c = 0; c < 3; c++)
                assert_int_equal(pixel[c], inside ? drawn(y - TOP, x - LEFT, c) : 0);
        }
    rncl_image_fini(&image);
    free(frame);
    free(file.bytes);
    WebPFree(simple.bytes);
}

static void a_file_cut_anywhere_is_refused(void **state)
{
    (void)state;
    for (int lossless = 0; lossless < 2; lossless++) {
        webp_file file = compress(lossless, true);
        for (size_t cut = 0; cut < file.size; cut++) {
            uint8_t *copy = malloc(cut + 1); /* of its own size, so that reading past it is noticed */
            assert_non_null(copy);
            memcpy(copy, file.bytes, cut);
            rncl_image image;
            rncl_image_header header;
            assert_int_equal(decode(&(webp_file){copy, cut}, &header, &image), RNCL_ERR_DATA);
            assert_null(image.pixels);
            free(copy);
        }
        WebPFree(file.bytes);
    }
}

static void random_damage_never_does_harm(void **state)
{
    (void)state;
    rncl_random random = rncl_random_stream(1, RNCL_RANDOM_TEST, 0, 0);
    for (int i = 0; i < 300; i++) {
        webp_file file = compress(i % 2, i / 2 % 2);
        for (int j = 0; j < 3; j++)
            file.bytes[rncl_random_below(&random, (uint32_t)file.size)] =
                (uint8_t)rncl_random_below(&random, 256);
        rncl_image image;
        rncl_image_header header;
        rncl_status st = decode(&file, &header, &image);
        assert_true(st == RNCL_ERR_DATA ? !image.pixels : st == RNCL_OK && image.pixels);
        rncl_image_fini(&image);
        WebPFree(file.bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_decode_and_transparency_is_dropped),
        cmocka_unit_test(the_orientation_is_read_from_the_exif_chunk),
        cmocka_unit_test(the_first_picture_of_an_animation_lies_on_a_black_canvas),
        cmocka_unit_test(a_file_cut_anywhere_is_refused),
        cmocka_unit_test(random_damage_never_does_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
