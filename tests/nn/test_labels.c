/* Names of classes from files, and ImageNet's. */
#include "temporary.h"

#include "labels.h"
#include "util.h"

static void write_bytes(const char *bytes, size_t count)
{
    FILE *stream = fopen(path, "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(bytes, 1, count, stream), count);
    assert_int_equal(fclose(stream), 0);
}

static void a_line_is_a_name(void **unused)
{
    (void)unused;
    static const char *const texts[] = {"cat\nbig dog\n", "cat\nbig dog", "cat\r\nbig dog\r\n",
                                        "cat\nbig dog\n\n\r\n",
                                        "\xef\xbb\xbf"
                                        "cat\nbig dog\n"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        rncl_model_meta meta = {0};
        write_bytes(texts[i], strlen(texts[i]));
        assert_int_equal(rncl_labels_read(path, 2, &meta), RNCL_OK);
        assert_int_equal(rncl_labels_read(path, 0, &meta), RNCL_OK); /* replaces them */
        assert_int_equal(meta.label_count, 2);
        assert_string_equal(meta.labels[0], "cat");
        assert_string_equal(meta.labels[1], "big dog");
        rncl_model_meta_fini(&meta);
    }
}

static void names_become_utf8(void **unused)
{
    (void)unused;
    rncl_model_meta meta = {0};
    write_bytes("caf\xe9\n", 5);
    assert_int_equal(rncl_labels_read(path, 1, &meta), RNCL_OK);
    assert_string_equal(meta.labels[0], "caf\\xe9");
    rncl_model_meta_fini(&meta);
}

static void files_that_do_not_fit_are_refused_and_change_nothing(void **unused)
{
    (void)unused;
    static const struct {
        const char *bytes;
        size_t count;
        const char *message;
    } cases[] = {
        {"a\nb\n", 4, "2 names, one a line, and the network 3 classes"},
        {"a\nb\nc\nd\n", 8, "4 names"},
        {"a\nb\n\n", 5, NULL}, /* the third has an empty name */
        {"", 0, "empty"},
        {"\xef\xbb\xbf", 3, "empty"},
        {"a\0b\nc\nd\n", 8, "not a text file"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        rncl_model_meta meta = {0};
        write_bytes(cases[i].bytes, cases[i].count);
        const rncl_status st = rncl_labels_read(path, 3, &meta);
        assert_int_equal(st, cases[i].message ? RNCL_ERR_USAGE : RNCL_OK);
        assert_int_equal(meta.label_count, cases[i].message ? 0 : 3);
        if (cases[i].message)
            assert_message_has(cases[i].message);
        rncl_model_meta_fini(&meta);
    }
    rncl_model_meta meta = {0};
    assert_int_equal(rncl_labels_read("/nowhere/labels", 3, &meta), RNCL_ERR_USAGE);
    assert_message_has("--labels /nowhere/labels");
}

static void models_of_1000_classes_get_the_names_of_imagenet(void **unused)
{
    (void)unused;
    rncl_model_meta meta = {0};
    assert_int_equal(rncl_labels_default(1000, &meta), RNCL_OK);
    assert_int_equal(meta.label_count, 1000);
    assert_string_equal(meta.labels[0], "tench");
    assert_string_equal(meta.labels[281], "tabby");
    assert_string_equal(meta.labels[999], "toilet tissue");
    rncl_model_meta_fini(&meta);
    assert_int_equal(rncl_labels_default(999, &meta), RNCL_OK);
    assert_int_equal(meta.label_count, 0);
    char *own[] = {"mine"};
    meta = (rncl_model_meta){.labels = own, .label_count = 1};
    assert_int_equal(rncl_labels_default(1000, &meta), RNCL_OK);
    assert_ptr_equal(meta.labels, own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_a_name),
        cmocka_unit_test(names_become_utf8),
        cmocka_unit_test(files_that_do_not_fit_are_refused_and_change_nothing),
        cmocka_unit_test(models_of_1000_classes_get_the_names_of_imagenet),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
