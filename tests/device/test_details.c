/* Device names that stay the same across driver versions, and paths of drivers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "details.h"

static void names_of_pocl_devices_are_those_of_its_older_versions(void **state)
{
    (void)state;
    static const struct {
        const char *name, *stable;
    } cases[] = {
        {"cpu-skylake-avx512-AMD EPYC", "pthread-skylake-avx512-AMD EPYC"},
        {"pthread-skylake-avx512-AMD EPYC", "pthread-skylake-avx512-AMD EPYC"},
        {"gfx1100", "gfx1100"},
        {"Intel(R) cpu-like accelerator", "Intel(R) cpu-like accelerator"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char stable[128], in_place[128];
        rncl_device_stable_name(cases[i].name, stable, sizeof stable);
        assert_string_equal(stable, cases[i].stable);
        snprintf(in_place, sizeof in_place, "%s", cases[i].name);
        rncl_device_stable_name(in_place, in_place, sizeof in_place);
        assert_string_equal(in_place, cases[i].stable);
    }
}

static void a_long_name_is_cut_to_the_room(void **state)
{
    (void)state;
    char name[128], stable[128];
    memset(name, 'x', sizeof name - 1);
    memcpy(name, "cpu-", 4);
    name[sizeof name - 1] = '\0';
    rncl_device_stable_name(name, stable, sizeof stable);
    assert_int_equal(strlen(stable), sizeof stable - 1);
    assert_int_equal(strncmp(stable, "pthread-xxx", 11), 0);
}

static void every_driver_is_a_file(void **state)
{
    (void)state;
    rncl_device_list *list;
    assert_int_equal(rncl_device_list_create(NULL, &list), RNCL_OK);
    assert_true(list->count > 0);
    for (size_t i = 0; i < list->count; i++) {
        const char *file = rncl_device_driver_file(&list->devices[i]);
        assert_non_null(file);
        assert_null(strstr(file, "libOpenCL.so")); /* the loader is not a driver */
        assert_int_equal(access(file, R_OK), 0);
        char *extensions = rncl_device_extensions(&list->devices[i]);
        assert_non_null(strstr(extensions, "cl_khr_"));
        free(extensions);
    }
    rncl_device_list_destroy(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_pocl_devices_are_those_of_its_older_versions),
        cmocka_unit_test(a_long_name_is_cut_to_the_room),
        cmocka_unit_test(every_driver_is_a_file),
    };
    return cmocka_run_group_tests_name("details", tests, NULL, NULL);
}
