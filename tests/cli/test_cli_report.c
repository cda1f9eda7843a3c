/* rncl report, on any device ($RNCL_TEST_DEVICE). */
#include "program.h"

#define SMALL "--arch cifar-resnet --depth 8 --image 16 --batch-size 8 --workers 1 --self-test off "

static char page[1 << 22];

static void read_page(const char *name)
{
    read_text(name, page, sizeof page);
}

static void expect_part(const char *part)
{
    if (!strstr(page, part))
        fail_msg("the page has no \"%s\"", part);
}

static int count_parts(const char *part)
{
    int count = 0;
    for (const char *at = page; (at = strstr(at, part)); at++)
        count++;
    return count;
}

/* What would make a browser fetch something, or run something. */
static void expect_self_contained(void)
{
    static const char *const parts[] = {"<script", "<link",      "<iframe",
                                        "@import", "src=\"http", "href=\"http"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strstr(page, parts[i]))
            fail_msg("the page has \"%s\"", parts[i]);
    assert_int_equal(count_parts(" src=\""), count_parts(" src=\"data:image/png;base64,"));
    expect_part("</html>");
}

/* Several pictures are in one page: each identifier is there once, and each reference leads to one. */
static void expect_unique_identifiers(void)
{
    static char pattern[256];
    for (const char *at = page; (at = strstr(at, " id=\"")); at++) {
        const int length = (int)strcspn(at + 5, "\"") + 6;
        snprintf(pattern, sizeof pattern, "%.*s", length, at);
        if (count_parts(pattern) != 1)
            fail_msg("%s is there %d times", pattern, count_parts(pattern));
        at += length;
    }
    for (const char *at = page; (at = strstr(at, "href=\"#")); at++) {
        snprintf(pattern, sizeof pattern, " id=\"%.*s", (int)strcspn(at + 7, "\"") + 1, at + 7);
        expect_part(pattern);
    }
}

/* Without cairo the page says so in place of each picture. */
static void a_run_becomes_one_page(void **state)
{
    (void)state;
    run("train " SMALL "--steps 4 --seed 7 --out whole");
    expect_status(0);
    run("report whole");
    expect_status(0);
    assert_string_equal(result.output, "whole/report.html\n");
    read_page("whole/report.html");
    expect_self_contained();
    expect_part("<h1>whole</h1>");
    expect_part("cifar-resnet-8 on the built-in shapes; finished, 4 of 4 steps; best validation top-1");
    expect_part("2000 pictures: top-1");
    expect_part("<td>checkerboard</td>");
    expect_part("<dt>seed</dt><dd>7</dd>");
    assert_int_equal(count_parts("<figure>"), 24);
    if (!strstr(page, "without cairo")) {
        assert_int_equal(count_parts("<svg"), 3);
        expect_unique_identifiers();
    }
    run_in("TMPDIR=pictures", "report whole --out elsewhere.html");
    expect_status(1); /* a driver may have said something as well */
    assert_non_null(strstr(result.errors, "rncl: pictures: cannot create a folder"));
    shell("mkdir pictures");
    run_in("TMPDIR=pictures", "report whole --out elsewhere.html");
    assert_string_equal(result.output, "elsewhere.html\n");
    /* Before the evaluation, which would end with 4. */
    run("report whole --out missing/page.html --data nowhere");
    expect_failure(1, "missing/page.html: cannot write");
    shell("cmp elsewhere.html whole/report.html && rmdir pictures");
}

static void names_are_text_and_no_tags(void **state)
{
    (void)state;
    shell("%s train " SMALL "--steps 1 --out source 2>/dev/null >&2; mkdir -p 'data/<b>&'", RNCL_BINARY);
    for (int i = 0; i < 2; i++)
        shell("base64 -d >'data/%s/%d.png' <<'END'\n"
              "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+"
              "M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==\nEND\n",
              "<b>&", i);
    shell("cp -r 'data/<b>&' data/other");
    run("train " SMALL "--data data --val-split 0.5 --steps 1 --out '<i>'");
    expect_status(0);
    run("report '<i>' --out names.html");
    expect_status(0);
    read_page("names.html");
    expect_part("<h1>&lt;i></h1>");
    expect_part("<td>&lt;b>&amp;</td>");
    assert_null(strstr(page, "<i>"));
    assert_null(strstr(page, "<b>"));
}

static void what_is_missing_is_said_in_the_page(void **state)
{
    (void)state;
    shell("cp -r whole moved && echo 'data = /nowhere' >>moved/config.ini");
    run("report moved");
    expect_status(0);
    assert_non_null(strstr(result.errors, "warning: the page has no evaluation: "));
    read_page("moved/report.html");
    expect_part("since the model has not been evaluated: ");
    expect_part("/nowhere");
    expect_part("Configuration");
    expect_self_contained();
    run("report moved --data builtin:shapes");
    expect_status(0);
    read_page("moved/report.html");
    expect_part("2000 pictures: top-1");
    shell("cp -r whole young && rm young/best.safetensors && sed -i 2,9d young/metrics.csv");
    run("report young");
    expect_status(0);
    read_page("young/report.html");
    expect_part("no best.safetensors yet");
}

static void what_was_asked_for_and_is_wrong_makes_no_page(void **state)
{
    (void)state;
    shell("cp -r whole cut && rm -f cut/report.html");
    run("report cut --data nowhere");
    expect_failure(4, "nowhere");
    run("report cut --device 99");
    expect_failure(3, "99");
    shell("truncate -s 1000 cut/best.safetensors");
    run("report cut");
    expect_failure(8, "best.safetensors");
    shell("test ! -e cut/report.html");
}

static void a_run_without_its_last_evaluation_has_not_finished(void **state)
{
    (void)state;
    run("watch whole");
    expect_status(0);
    assert_non_null(strstr(result.output, "finished"));
    shell("cp -r whole unevaluated && sed -i '$d' unevaluated/metrics.csv");
    run("watch unevaluated");
    expect_status(0);
    assert_null(strstr(result.output, "finished"));
}

static void only_runs_have_reports(void **state)
{
    (void)state;
    run("report");
    expect_failure(2, "one run");
    run("report whole whole");
    expect_failure(2, "one run");
    run("report nowhere");
    expect_failure(4, "nowhere: no such folder");
    run("report whole --out missing/folder.html");
    expect_status(1);
}

static int choose_device(void **state)
{
    const char *device = getenv("RNCL_TEST_DEVICE");
    if (device)
        setenv("RNCL_DEVICE", device, 1);
    return create_folder(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_becomes_one_page),
        cmocka_unit_test(names_are_text_and_no_tags),
        cmocka_unit_test(what_is_missing_is_said_in_the_page),
        cmocka_unit_test(what_was_asked_for_and_is_wrong_makes_no_page),
        cmocka_unit_test(a_run_without_its_last_evaluation_has_not_finished),
        cmocka_unit_test(only_runs_have_reports),
    };
    return cmocka_run_group_tests_name("cli report", tests, choose_device, remove_folder);
}
