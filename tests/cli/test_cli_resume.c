/* rncl train --resume after the world has changed: other data, other files beside the run; on any device
 * ($RNCL_TEST_DEVICE). */
#include <png.h>

#include "program.h"

enum { SIZE = 16 };

static void write_picture(const char *name, int number)
{
    unsigned char pixels[SIZE * SIZE * 3];
    png_image png = {.version = PNG_IMAGE_VERSION, .height = SIZE, .width = SIZE, .format = PNG_FORMAT_RGB};
    for (int i = 0; i < (int)sizeof pixels; i++)
        pixels[i] = (unsigned char)(i % (3 * SIZE) * (3 + number) + i / (3 * SIZE) * (5 + 7 * number));
    char path[256];
    snprintf(path, sizeof path, "%s/%s", program_folder, name);
    assert_true(png_image_write_to_file(&png, path, 0, pixels, 0, NULL));
}

#define SHORT "train --arch cifar-resnet --depth 8 --batch-size 2 --workers 1 --data pictures "

/* Trains run/ on three classes of two pictures, and weighted/ with weights from a file. */
static int prepare(void **state)
{
    static const char *const folders[] = {"train/ant", "train/bee", "train/cat",
                                          "val/ant",   "val/bee",   "val/cat"};
    const char *device = getenv("RNCL_TEST_DEVICE");
    if (device)
        setenv("RNCL_DEVICE", device, 1);
    if (create_folder(state))
        return -1;
    setenv("RNCL_TUNING_DIR", program_folder, 1);
    for (int i = 0; i < 6; i++) {
        shell("mkdir -p pictures/%s", folders[i]);
        for (int j = 0; j < 2; j++) {
            char name[128];
            snprintf(name, sizeof name, "pictures/%s/%d.png", folders[i], j);
            write_picture(name, 3 * i + j);
        }
    }
    run(SHORT "--steps 2 --out run");
    expect_status(0);
    shell("cp -r pictures original");
    return 0;
}

static int put_back(void **state)
{
    (void)state;
    shell("rm -rf pictures && cp -r original pictures");
    return 0;
}

static void expect_refused(const char *what)
{
    run("train --resume run --steps 3");
    expect_status(8);
    if (!strstr(result.errors, what) || !strstr(result.errors, "--force-resume"))
        fail_msg("expected \"%s\" in: %s", what, result.errors);
}

/* Its order changes with it: what was class 0 becomes class 2. */
static void a_renamed_class_is_refused(void **state)
{
    (void)state;
    shell("mv pictures/train/ant pictures/train/zebra && mv pictures/val/ant pictures/val/zebra");
    expect_refused("other classes");
}

static void a_new_picture_is_refused(void **state)
{
    (void)state;
    shell("cp pictures/train/ant/0.png pictures/train/ant/2.png");
    expect_refused("6 training pictures, now 7");
}

static void a_changed_picture_is_refused(void **state)
{
    (void)state;
    shell("cp pictures/train/ant/0.png pictures/val/ant/0.png && echo >> pictures/val/ant/0.png");
    expect_refused("other validation pictures");
}

static void data_that_were_moved_are_the_same(void **state)
{
    (void)state;
    shell("rm -rf pictures && cp -r run moved");
    run("train --resume moved --steps 3 --data original");
    expect_status(0);
}

static void those_who_know_go_on_with_other_data(void **state)
{
    (void)state;
    shell("cp pictures/train/ant/0.png pictures/train/ant/2.png && cp -r run forced");
    run("train --resume forced --steps 3 --force-resume");
    expect_status(0);
    run("train --resume forced --steps 4"); /* which are the run's data from now on */
    expect_status(0);
}

static void the_checkpoint_stands_for_its_folder(void **state)
{
    (void)state;
    shell("cp -r run named");
    run("train --resume named/last.ckpt --steps 3");
    expect_status(0);
    shell(
        "grep -q '^3,' named/steps.csv && cd named && %s train --resume last.ckpt --steps 4 2>/dev/null >&2",
        RNCL_BINARY);
}

static void a_run_that_has_ended_says_that_nothing_is_left(void **state)
{
    (void)state;
    shell("cp -r run ended");
    run("train --resume ended");
    expect_status(0);
    assert_non_null(strstr(result.errors, "nothing left to do: all 2 steps are done; --epochs or --steps"));
}

static void weights_to_start_from_are_refused(void **state)
{
    (void)state;
    run("train --resume run --init run");
    expect_failure(2, "leave --init away");
}

static void a_checkpoint_of_an_older_rncl_says_so(void **state)
{
    (void)state;
    shell("cp -r run old && printf '\\002' | dd of=old/last.ckpt bs=1 seek=8 conv=notrunc 2>/dev/null");
    run("train --resume old --steps 3");
    expect_status(8);
    assert_non_null(strstr(result.errors, "older rncl"));
    assert_non_null(strstr(result.errors, "--init"));
}

static void weights_of_classes_are_kept_with_the_run(void **state)
{
    (void)state;
    shell("echo 1 2 30 > weights.txt");
    run(SHORT "--class-weights weights.txt --steps 3 --out weighted");
    expect_status(0);
    run(SHORT "--class-weights weights.txt --steps 2 --out parted");
    expect_status(0);
    shell("cmp weights.txt parted/class-weights.txt && rm weights.txt && mv parted away");
    run("train --resume away --steps 3");
    expect_status(0);
    shell("cmp weighted/model.safetensors away/model.safetensors");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_renamed_class_is_refused, put_back),
        cmocka_unit_test_teardown(a_new_picture_is_refused, put_back),
        cmocka_unit_test_teardown(a_changed_picture_is_refused, put_back),
        cmocka_unit_test_teardown(data_that_were_moved_are_the_same, put_back),
        cmocka_unit_test_teardown(those_who_know_go_on_with_other_data, put_back),
        cmocka_unit_test(the_checkpoint_stands_for_its_folder),
        cmocka_unit_test(a_run_that_has_ended_says_that_nothing_is_left),
        cmocka_unit_test(weights_to_start_from_are_refused),
        cmocka_unit_test(a_checkpoint_of_an_older_rncl_says_so),
        cmocka_unit_test(weights_of_classes_are_kept_with_the_run),
    };
    return cmocka_run_group_tests_name("cli resume", tests, prepare, remove_folder);
}
