/* Completions of shells and manual pages. */
#include "program.h"

/* Lets bash complete the words, the last of which is being typed, and compares what it offers. */
static void expect_offer(const char *words, const char *offer)
{
    shell("bash -c '. ./bash; COMP_WORDS=(%s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _rncl; "
          "echo \"${COMPREPLY[*]}\"' >offer",
          words);
    char text[4096];
    read_text("offer", text, sizeof text);
    text[strcspn(text, "\n")] = '\0';
    assert_string_equal(text, offer);
}

static void bash_takes_the_script(void **unused)
{
    (void)unused;
    run("completion bash");
    expect_status(0);
    shell("cp output bash && bash -n bash");
}

static void bash_completes_commands(void **unused)
{
    (void)unused;
    expect_offer("rncl tr", "train");
    expect_offer("rncl help exp", "export");
    expect_offer("rncl man", "");
}

static void bash_completes_options_of_the_command(void **unused)
{
    (void)unused;
    expect_offer("rncl train --shu", "--shuffle");
    expect_offer("rncl predict --shu", "");
    expect_offer("rncl export --fold", "--fold-bn");
}

static void bash_completes_values(void **unused)
{
    (void)unused;
    expect_offer("rncl train --schedule \"\"", "plateau step cosine constant");
    expect_offer("rncl train --schedule = co", "cosine constant");
    expect_offer("rncl train --shuffle =", "on off");
    expect_offer("rncl train --lr \"\"", "");
    expect_offer("rncl completion \"\"", "bash zsh fish");
}

static void bash_completes_files(void **unused)
{
    (void)unused;
    shell("touch 'a picture.png' model.safetensors");
    expect_offer("rncl predict a", "a picture.png");
    expect_offer("rncl eval --model mod", "model.safetensors");
}

static void every_shell_knows_every_command_and_option(void **unused)
{
    (void)unused;
    static const char *const shells[] = {"bash", "zsh", "fish"};
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++) {
        run("completion %s", shells[i]);
        expect_status(0);
        static const char *const words[] = {"check-data", "torch-script-free", "cifar-resnet", "spot-checks"};
        for (size_t k = 0; k < sizeof words / sizeof *words; k++)
            assert_non_null(strstr(result.output, words[k]));
        assert_null(strstr(result.output, "tune-worker"));
    }
}

static void unknown_shells_are_refused(void **unused)
{
    (void)unused;
    run("completion ksh");
    expect_failure(2, "ksh");
    run("completion");
    expect_failure(2, "bash, zsh or fish");
}

static void every_command_has_a_manual_page(void **unused)
{
    (void)unused;
    run("man-pages man1");
    expect_status(0);
    /* The commands that `rncl --help` lists, but for the two that are about rncl itself. */
    shell(
        "%s --help | sed -n 's/^  \\([a-z-]*\\)  *[A-Z].*/\\1/p' | grep -vx 'help\\|version' >commands && "
        "test $(wc -l <commands) -gt 8 && "
        "while read -r name; do grep -q \"^.TH rncl-$name 1\" man1/rncl-$name.1 || exit 1; done <commands && "
        "test $(ls man1 | wc -l) -eq $(($(wc -l <commands) + 1))",
        RNCL_BINARY);
    shell("grep -q 'rncl.-check.-data' man1/rncl.1 && grep -qx 130 man1/rncl.1");
    shell("grep -A1 -- '.fB.-.-momentum' man1/rncl-train.1 | tail -n 1 | grep -q '(default 0.9)$'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bash_takes_the_script),
        cmocka_unit_test(bash_completes_commands),
        cmocka_unit_test(bash_completes_options_of_the_command),
        cmocka_unit_test(bash_completes_values),
        cmocka_unit_test(bash_completes_files),
        cmocka_unit_test(every_shell_knows_every_command_and_option),
        cmocka_unit_test(unknown_shells_are_refused),
        cmocka_unit_test(every_command_has_a_manual_page),
    };
    return cmocka_run_group_tests(tests, create_folder, remove_folder);
}
