/* What is said: prompts by language, spoken by a synthesiser that writes down what it was asked. */
#include <ftw.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flow/fake_call.h"
#include "flow/inner.h"
#include "flow/speech.h"
#include "media/wav.h"

static char folder[96], command[300], kept[256];
static struct sound_cache *sounds;

static void path_of(char *out, const char *name)
{
    snprintf(out, 256, "%s/%s", folder, name);
}

static void write_wav(const char *name, uint32_t samples)
{
    char path[256];
    uint8_t header[WAV_HEADER_BYTES];
    static const int16_t quiet[8000];

    path_of(path, name);
    FILE *f = fopen(path, "w");
    cr_assert_not_null(f);
    wav_write_header(header, 1, samples * 2);
    fwrite(header, 1, sizeof header, f);
    for (; samples; samples -= samples < 8000 ? samples : 8000)
        fwrite(quiet, 2, samples < 8000 ? samples : 8000, f);
    fclose(f);
}

/* A command of ours: LANG, FILE and TEXT are its arguments. */
static void write_command(const char *script)
{
    char path[256];

    path_of(path, "synthesiser");
    FILE *f = fopen(path, "w");
    cr_assert_not_null(f);
    fprintf(f, "#!/bin/sh\ncd %s\n%s\n", folder, script);
    fclose(f);
    chmod(path, 0755);
    snprintf(command, sizeof command, "%s {lang} {file} {text}", path);
}

static void setup(void)
{
    char path[256];

    snprintf(folder, sizeof folder, "/tmp/peal-prompts-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    path_of(kept, "kept");
    path_of(path, "audio");
    mkdir(path, 0755);
    path_of(path, "audio/prompts");
    mkdir(path, 0755);
    write_wav("base.wav", 4000);
    write_wav("audio/prompts/main.en.wav", 16000);
    write_wav("audio/beep.wav", 800);
    write_command("echo \"$1|$3\" >>log; cp base.wav \"$2\"");
    cr_assert_eq(sound_cache_open(&sounds, 0), OK);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

static void teardown(void)
{
    sound_cache_close(sounds);
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* What the synthesiser was asked for, one line each. */
static const char *asked(void)
{
    static char text[8192];
    char path[256];

    path_of(path, "log");
    FILE *f = fopen(path, "r");
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
    if (f)
        fclose(f);
    text[n] = '\0';
    return text;
}

/* How often a line stands in the log. */
static uint32_t times_asked(const char *line)
{
    uint32_t n = 0;

    for (const char *at = asked(); (at = strstr(at, line)); at += strlen(line))
        n++;
    return n;
}

static void open_bench(struct bench *b)
{
    char audio[256];

    path_of(audio, "audio");
    bench_open_with(b, (struct flow_config){.simulator = true,
                                            .cpu_ms = 2000,
                                            .sounds = sounds,
                                            .audio_root = audio,
                                            .synthesiser = command,
                                            .speech_folder = kept});
}

/* Waits for the thread, the clock stands meanwhile. */
static void until_said(struct bench *b, const char *part)
{
    for (int i = 0; i < 60000 && !strstr(b->call.said, part) && !b->ended; i++)
        loop_turn(&b->loop, 1000);
    cr_assert(strstr(b->call.said, part), "no \"%s\" in: %s; error: %s", part, b->call.said,
              b->report.error);
}

static void until_ended(struct bench *b)
{
    for (int i = 0; i < 60000 && !b->ended; i++) {
        loop_turn(&b->loop, 1000);
        if (b->call.state == CALL_STATE_ENDED) /* told from a timer */
            bench_pass(b, 3);
    }
    cr_assert(b->ended, "the script still runs; it said: %s", b->call.said);
}

static void well(struct bench *b, uint32_t checks)
{
    until_ended(b);
    cr_assert_str_eq(b->report.error, "");
    cr_assert_eq(b->report.checks_failed, 0u, "%s", b->report.failed[0]);
    cr_assert_eq(b->report.checks_passed, checks);
}

TestSuite(prompts, .init = setup, .fini = teardown);

Test(prompts, a_text_is_spoken_once_and_kept)
{
    struct bench b;

    for (int i = 0; i < 2; i++) { /* the second runtime finds it in the folder */
        open_bench(&b);
        bench_body(&b, "call:answer()\n"
                       "check(call:say('Hello, world. $(touch x) \"`') == 'done')\n"
                       "check(call:say('Hello, world. $(touch x) \"`') == 'done')\n"
                       "call:language('ru')\n"
                       "check(call:say('Привет') == 'done')\n"
                       "check(call:say('Nasvidenje', { lang = 'sl' }) == 'done')");
        until_said(&b, "play 500; ");
        fake_played(&b.call);
        assert_said(&b, "answer; detect talk; play 500; play 500; ");
        fake_played(&b.call);
        until_said(&b, "play 500; play 500; play 500; ");
        fake_played(&b.call);
        until_said(&b, "play 500; play 500; play 500; play 500; ");
        fake_played(&b.call);
        well(&b, 4);
        cr_assert_eq(speech_stats(b.rt->speech)->spoken, i == 0 ? 3u : 0u);
        cr_assert_eq(speech_stats(b.rt->speech)->from_folder, i == 0 ? 0u : 3u);
        bench_close(&b);
        cr_assert_str_eq(asked(), "en|Hello, world. $(touch x) \"`\nru|Привет\nsl|Nasvidenje\n");
    }
}

Test(prompts, a_file_goes_before_the_text_and_each_language_has_its_own)
{
    struct bench b;

    open_bench(&b);
    bench_start(&b, "return flow { language = 'en', prompts = {\n"
                    "  main = { en = 'not this', sl = 'Pritisnite ena.' },\n"
                    "  sum = { sl = 'Na računu je {sum}, {name}.' },\n"
                    "}, run = function(call)\n"
                    "  call:answer()\n"
                    "  check(call:play('main') == 'done')\n"
                    "  call:language('sl')\n"
                    "  check(call:play('main') == 'done')\n"
                    "  check(call:play({ 'beep.wav', 'main', { say = 'Konec' } }) == 'done')\n"
                    "  check(call:play('sum', { with = { sum = read.amount(202.5, 'EUR'),\n"
                    "    name = 'Ana' } }) == 'done')\n"
                    "end }");
    assert_said(&b, "answer; detect talk; play 2000; ");
    fake_played(&b.call);
    until_said(&b, "play 2000; play 500; ");
    fake_played(&b.call);
    until_said(&b, "play 500; play 100; play 500; play 500; ");
    for (int i = 0; i < 3; i++)
        fake_played(&b.call);
    /* eight pieces and the comma */
    until_said(&b, "play 500; play 500; play 4150; ");
    fake_played(&b.call);
    well(&b, 4);
    bench_close(&b);
    static const char *const lines[] = {"sl|Pritisnite ena.\n",
                                        "sl|Konec\n",
                                        "sl|Na računu je\n",
                                        "sl|dvesto\n",
                                        "sl|dva\n",
                                        "sl|evra\n",
                                        "sl|in\n",
                                        "sl|petdeset\n",
                                        "sl|centov\n",
                                        "sl|Ana.\n"};
    size_t length = 0;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; length += strlen(lines[i++]))
        cr_assert_eq(times_asked(lines[i]), 1u, "%s%s", lines[i], asked());
    cr_assert_eq(strlen(asked()), length, "nothing else: %s", asked());
}

Test(prompts, menus_and_digits_speak_too)
{
    struct bench b;

    open_bench(&b);
    bench_start(&b,
                "return flow { prompts = {\n"
                "  choose = { en = 'One or two?' }, wrong = { en = 'Not that one.' },\n"
                "  code = { en = 'Your code, {name}?' } }, run = function(call)\n"
                "  call:answer()\n"
                "  check(call:menu { prompt = 'choose', wrong = 'wrong', keys = '12' } == '2')\n"
                "  check(call:digits { prompt = 'code', with = { name = 'Ann' }, max = 2 } == "
                "'17')\n"
                "end }");
    until_said(&b, "play 500; ");
    fake_key(&b.call, '9'); /* over the prompt */
    until_said(&b, "stop; play 500; play 500; ");
    fake_key(&b.call, '2');
    until_said(&b, "play 500; play 500; stop; play 500; ");
    fake_key(&b.call, '1');
    fake_key(&b.call, '7');
    well(&b, 2);
    bench_close(&b);
    cr_assert_str_eq(asked(), "en|One or two?\nen|Not that one.\nen|Your code, Ann?\n");
}

Test(prompts, music_plays_in_a_loop_while_a_call_is_on_hold)
{
    struct bench b;

    open_bench(&b);
    bench_body(&b, "call:answer()\n"
                   "check(call:hold { music = 'beep.wav' })\ncall:wait(1)\n"
                   "check(call:hold(true, { music = 'prompts/main.en.wav' }))\ncall:wait(1)\n"
                   "check(call:hold(false))\ncall:play('beep.wav', { background = true })\n"
                   "check(call:hold(true) and call:hold(false))");
    bench_pass(&b, 2010);
    assert_said(&b, "answer; detect talk; hold 1; play 100 loop; stop; hold 1; play 2000 loop; "
                    "stop; hold 0; play 100; hold 1; hold 0; hangup 0; ");
    well(&b, 4);
    bench_close(&b);
}

/* A caller's number is put together from words; nothing in it is spoken for that caller alone. */
Test(prompts, a_number_is_said_word_by_word_and_each_word_spoken_once)
{
    static const char *const lines[] = {"en|Number\n", "en|one\n",  "en|two\n",
                                        "en|three\n",  "en|four\n", "en|Thank you.\n"};
    struct bench b;

    open_bench(&b);
    bench_start(&b,
                "return flow { prompts = { told = { en = 'Number {it}. Thank you.' },\n"
                "  line = { en = '{code}: {count}.' }, status = { en = 'It is {it}.' } },\n"
                "run = function(call)\n"
                "  call:answer()\n"
                "  check(call:play('told', { with = { it = read.digits('1213') } }) == 'done')\n"
                "  check(call:play('told', { with = { it = read.digits('3121') } }) == 'done')\n"
                "  check(call:play('line', { with = { code = read.digits('31'),\n"
                "    count = read.number(4) } }) == 'done')\n"
                "  check(call:say(read.date('2026-03-03', { on = true })) == 'done')\n"
                "  check(call:play('status', { with = { it = 'one of many' } }) == 'done')\n"
                "end }");
    /* half a second each, and 0.3 s where the sentence ends */
    until_said(&b, "play 3300; ");
    fake_played(&b.call);
    assert_said(&b, "answer; detect talk; play 3300; play 3300; ");
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        cr_assert_eq(times_asked(lines[i]), i == 4 ? 0u : 1u, "%s%s", lines[i], asked());
    fake_played(&b.call);
    until_said(&b, "play 3300; play 3300; play 1650; "); /* three one, a pause, four */
    fake_played(&b.call);
    /* on March third, twenty twenty-six */
    until_said(&b, "play 1650; play 2650; ");
    fake_played(&b.call);
    until_said(&b, "play 2650; play 500; "); /* not of reading words alone: in one piece */
    fake_played(&b.call);
    well(&b, 5);
    cr_assert_eq(times_asked("en|It is one of many.\n"), 1u);
    cr_assert_eq(times_asked("en|third\n") + times_asked("en|twenty-six\n"), 2u);
    bench_close(&b);
}

static void write_loud(const char *name)
{
    uint8_t header[WAV_HEADER_BYTES];
    static int16_t pcm[6000];
    char path[256];

    for (int i = 1000; i < 3000; i++)
        pcm[i] = i % 16 < 8 ? 8000 : -8000;
    pcm[2999] = 300; /* quiet, but no silence */
    path_of(path, name);
    FILE *f = fopen(path, "w");
    wav_write_header(header, 1, sizeof pcm);
    fwrite(header, 1, sizeof header, f);
    fwrite(pcm, 2, 6000, f);
    fclose(f);
}

static void count(void *arg, const struct flow_answer *a);

/* The synthesiser's silence round a word does not tear the number to pieces. */
Test(prompts, parts_of_a_sentence_have_no_silence_around_them)
{
    struct speech_text whole = {.lang = "en", .text = SLICE("one")},
                       part = {.lang = "en", .text = SLICE("one"), .part = true};
    struct loop loop;
    struct speech *s;
    uint32_t answered = 0;

    write_loud("base.wav");
    cr_assert_eq(loop_init(&loop, NULL), OK);
    cr_assert_eq(speech_open(&s, &(struct speech_config){.loop = &loop,
                                                         .sounds = sounds,
                                                         .command = command,
                                                         .folder = kept}),
                 OK);
    cr_assert_eq(speech_ask(s, &whole, count, &answered), OK);
    cr_assert_eq(speech_ask(s, &part, count, &answered), OK);
    for (int k = 0; k < 60000 && answered < 2; k++)
        loop_turn(&loop, 1000);
    cr_assert_eq(speech_find(s, &whole)->samples, 6000u);
    cr_assert_eq(speech_find(s, &part)->samples, 160u + 2000 + 160);
    cr_assert_eq(abs(speech_find(s, &part)->pcm[160]), 8000);
    speech_close(s);
    loop_fini(&loop);
}

/* A key that comes while the synthesiser works is taken at once: there is nothing to wait for. */
Test(prompts, a_key_does_not_wait_for_the_synthesiser)
{
    struct bench b;

    write_command("echo \"$1|$3\" >>log; sleep 3600");
    open_bench(&b);
    bench_body(&b, "call:answer()\n"
                   "check(call:menu { prompt = { say = 'One?' }, keys = '1' } == '1')\n"
                   "check(call:digits { prompt = { say = 'Two?' }, max = 1 } == '2')\n"
                   "call:wait(1)");
    for (int i = 0; i < 60000 && !*asked(); i++)
        loop_turn(&b.loop, 1000);
    fake_key(&b.call, '1');
    fake_key(&b.call, '2');
    assert_said(&b, "answer; detect talk; stop; ");
    bench_pass(&b, 1010);
    well(&b, 2);
    bench_close(&b); /* kills the synthesiser, which sleeps */
}

Test(prompts, many_calls_wait_for_one_text)
{
    enum { CALLS = 300 };
    static struct call calls[CALLS];
    static struct bench b;
    struct flow_script *script;
    char why[FLOW_TEXT_MAX];
    uint32_t playing = 0;

    open_bench(&b);
    cr_assert_eq(flow_script_load_text(b.rt, "t.lua",
                                       SLICE("return flow { run = function(call)\n"
                                             "call:answer() call:say('Welcome') end }"),
                                       &script, why),
                 OK);
    for (int i = 0; i < CALLS; i++) {
        calls[i].loop = &b.loop;
        cr_assert_eq(flow_start(b.rt,
                                &(struct flow_start){.script = script, .call = &calls[i], .leg = 1},
                                NULL),
                     OK);
    }
    for (int i = 0; i < 60000 && playing < CALLS; i++) {
        loop_turn(&b.loop, 1000);
        playing = 0;
        for (int k = 0; k < CALLS; k++)
            playing += strstr(calls[k].said, "play 500") != NULL;
    }
    cr_assert_eq(playing, (uint32_t)CALLS);
    cr_assert_str_eq(asked(), "en|Welcome\n");
    bench_close(&b);
}

static void fails(const char *body, int line, const char *part)
{
    struct bench b;
    char at[32];

    open_bench(&b);
    bench_body(&b, body);
    until_ended(&b);
    snprintf(at, sizeof at, "t.lua:%d:", line + 1);
    cr_assert(strstr(b.report.error, at), "no \"%s\" in: %s", at, b.report.error);
    cr_assert(strstr(b.report.error, part), "no \"%s\" in: %s", part, b.report.error);
    bench_close(&b);
}

Test(prompts, what_cannot_be_said_is_told_on_its_line)
{
    fails("call:say('x')", 1, "there is no audio yet");
    fails("call:answer()\ncall:say('')", 2, "nothing to say");
    fails("call:answer()\ncall:say(('x'):rep(1001))", 2, "at most 1000 bytes");
    fails("call:answer()\ncall:say('a\\0b')", 2, "cannot be said now");
    fails("call:answer()\ncall:say('x', { lang = 'de' })", 2, "no language 'de'");
    fails("call:answer()\ncall:play('nowhere')", 2, "no prompt 'nowhere' in 'en'");
    fails("call:answer()\ncall:play({})", 2, "empty");
    fails("call:answer()\ncall:play({ 1 })", 2, "not a number");
    fails("call:answer()\ncall:play({ say = 'Hello {who}' }, { with = { whom = 1 } })", 2,
          "with = { who = … }");
    write_command("exit 1");
    fails("call:answer()\n\ncall:say('x')", 3, "wrote no sound");
    write_command("echo rubbish >\"$2\"");
    fails("call:answer()\ncall:say('x')", 2, "wrote no sound");
    snprintf(command, sizeof command, "/nonexistent/synthesiser {file} {text}");
    fails("call:answer()\ncall:say('x')", 2, "cannot be started");
    command[0] = '\0';
    fails("call:answer()\ncall:say('x')", 2, "no synthesiser is configured");
}

Test(prompts, a_caller_who_hangs_up_while_it_is_made)
{
    struct bench b;

    write_command("echo >>log; sleep 3600");
    open_bench(&b);
    bench_body(&b, "call:answer()\ncall:say('Hello')");
    for (int i = 0; i < 60000 && !*asked(); i++)
        loop_turn(&b.loop, 1000);
    fake_end(&b.call, 0, ENDED_BY_CALLEE);
    bench_pass(&b, 3);
    cr_assert(b.ended);
    cr_assert_eq(b.report.outcome, FLOW_HANGUP);
    bench_close(&b);
}

Test(prompts, declarations_are_checked)
{
    static const struct {
        const char *script, *part;
    } rows[] = {
        {"return flow { language = 'xx', run = print }", "no language 'xx'"},
        {"return flow { prompts = { main = 'text' }, run = print }", "prompts.main must be"},
        {"return flow { prompts = { main = { de = 'x' } }, run = print }", "en, ru, sl"},
        {"return flow { prompts = { main = { en = 3 } }, run = print }", "prompts.main.en"},
        {"return flow { prompts = { main = { en = '' } }, run = print }", "has 0 bytes"},
        {"return flow { prompts = { 'x' }, run = print }", "by name"},
    };
    struct bench b;
    struct flow_script *s;
    char why[FLOW_TEXT_MAX];

    open_bench(&b);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_assert_eq(flow_script_load_text(b.rt, "t.lua", slice_cstr(rows[i].script), &s, why),
                     ERR_INVALID);
        cr_assert(strstr(why, rows[i].part), "no \"%s\" in: %s", rows[i].part, why);
    }
    bench_close(&b);
}

static uint32_t files, parts;
static int count_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)ftw;
    files += kind == FTW_F && strstr(path, ".wav");
    parts += strstr(path, ".part") != NULL;
    return 0;
}

static void count(void *arg, const struct flow_answer *a)
{
    cr_assert_eq(a->err, OK, "%s", a->why);
    ++*(uint32_t *)arg;
}

/* Each file has 8,044 bytes: the folder's bound keeps at most five of them. */
Test(prompts, the_folder_is_bounded)
{
    struct loop loop;
    struct speech *s;
    uint32_t answered = 0;

    cr_assert_eq(loop_init(&loop, NULL), OK);
    cr_assert_eq(speech_open(&s, &(struct speech_config){.loop = &loop,
                                                         .sounds = sounds,
                                                         .command = command,
                                                         .folder = kept,
                                                         .folder_bytes = 45000}),
                 OK);
    for (uint32_t i = 0; i < 20; i++) {
        char text[16];
        snprintf(text, sizeof text, "text %u", i);
        struct speech_text t = {.lang = "en", .text = slice_cstr(text)};
        cr_assert_eq(speech_ask(s, &t, count, &answered), OK);
        for (int k = 0; k < 60000 && answered == i; k++)
            loop_turn(&loop, 1000);
        cr_assert_eq(answered, i + 1);
        cr_assert_not_null(speech_find(s, &t));
    }
    nftw(kept, count_one, 8, FTW_PHYS);
    cr_assert(files >= 4 && files <= 5, "%u files", files);
    cr_assert_eq(parts, 0u);
    speech_close(s);
    loop_fini(&loop);
}

static void nobody_minds(void *arg, const struct flow_answer *a)
{
    (void)a;
    ++*(uint32_t *)arg;
}

static void turn_until(struct loop *loop, const uint32_t *counter, uint32_t wanted)
{
    for (int k = 0; k < 60000 && *counter < wanted; k++)
        loop_turn(loop, 1000);
    cr_assert_geq(*counter, wanted);
}

/* One thread, so that the order is seen: the first is under way when the others come. */
Test(prompts, what_is_wanted_now_goes_before_what_is_spoken_ahead)
{
    static const char *const ahead[] = {"first", "later", "last"};
    struct speech_text now = {.lang = "en", .text = SLICE("now")},
                       last = {.lang = "en", .text = SLICE("last")};
    struct loop loop;
    struct speech *s;
    uint32_t answered = 0;

    write_command("echo \"$3\" >>log; while [ ! -e go ]; do sleep 0.01; done; cp base.wav \"$2\"");
    cr_assert_eq(loop_init(&loop, NULL), OK);
    struct speech_config config = {
        .loop = &loop, .sounds = sounds, .command = command, .folder = kept, .threads = 1};
    cr_assert_eq(speech_open(&s, &config), OK);
    for (int i = 0; i < 3; i++) {
        struct speech_text t = {.lang = "en", .text = slice_cstr(ahead[i])};
        cr_assert_eq(speech_prefetch(s, &t), OK);
        cr_assert_eq(speech_prefetch(s, &t), OK); /* once is enough */
    }
    cr_assert_eq(speech_stats(s)->ahead, 3u);
    cr_assert_eq(speech_ask(s, &now, count, &answered), OK);
    cr_assert_eq(speech_ask(s, &last, count, &answered), OK); /* not ahead any more */
    cr_assert_eq(speech_stats(s)->ahead, 2u);
    write_wav("go", 1);
    turn_until(&loop, &answered, 2);
    while (speech_stats(s)->ahead > 0)
        loop_turn(&loop, 1000);
    cr_assert_str_eq(asked(), "first\nnow\nlast\nlater\n");
    cr_assert_eq(speech_stats(s)->threads, 1u);
    speech_close(s);
    loop_fini(&loop);
}

Test(prompts, a_scripts_prompts_are_spoken_ahead)
{
    static const char *const lines[] = {"en|Your number is\n", "en|Bye.\n", "en|Two, please.\n",
                                        "en|zero\n", "en|nine\n"};
    struct flow_script *script;
    char why[FLOW_TEXT_MAX];
    struct bench b;

    open_bench(&b);
    cr_assert_eq(
        flow_script_load_text(b.rt, "t.lua",
                              SLICE("return flow { prompts = {\n"
                                    "main = { en = 'a file is there', sl = 'Datoteka' },\n"
                                    "told = { en = 'Your number is {it}. Bye.', sl = 'Vaša' },\n"
                                    "two = { en = 'Two, please.' } },\n"
                                    "run = function(call) call:answer()\n"
                                    "check(call:play('told', { with = { it = read.digits(90) } })\n"
                                    "== 'done') end }"),
                              &script, why),
        OK, "%s", why);
    flow_script_prefetch(b.rt, script, "en");
    flow_script_prefetch(b.rt, script, "de"); /* harmless */
    cr_assert_eq(flow_speech_stats(b.rt)->ahead, 3u + 10u);
    while (flow_speech_stats(b.rt)->ahead)
        loop_turn(&b.loop, 1000);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        cr_assert_eq(times_asked(lines[i]), 1u, "%s%s", lines[i], asked());
    cr_assert_not(strstr(asked(), "sl|") || strstr(asked(), "file is there"), "%s", asked());
    bench_start(&b,
                "return flow { prompts = { told = { en = 'Your number is {it}. Bye.' } },\n"
                "run = function(call) call:answer()\n"
                "check(call:play('told', { with = { it = read.digits(90) } }) == 'done') end }");
    fake_played(&b.call); /* it was there at once */
    well(&b, 1);
    cr_assert_eq(flow_speech_stats(b.rt)->spoken, 13u);
    bench_close(&b);
}

/* Each command waits for the others: all run at once, or none ends. */
Test(prompts, several_texts_are_spoken_at_once)
{
    struct loop loop;
    struct speech *s;
    uint32_t answered = 0;

    write_command("touch at-work-$3; while [ ! -e at-work-a -o ! -e at-work-b -o ! -e at-work-c ]\n"
                  "do sleep 0.01; done; cp base.wav \"$2\"");
    cr_assert_eq(loop_init(&loop, NULL), OK);
    struct speech_config config = {
        .loop = &loop, .sounds = sounds, .command = command, .folder = kept, .threads = 3};
    cr_assert_eq(speech_open(&s, &config), OK);
    for (const char *t = "abc"; *t; t++)
        cr_assert_eq(speech_ask(s, &(struct speech_text){.lang = "en", .text = slice_of(t, 1)},
                                count, &answered),
                     OK);
    cr_assert_eq(speech_stats(s)->threads, 3u);
    turn_until(&loop, &answered, 3);
    speech_close(s);
    config.threads = SPEECH_THREADS_MAX + 1;
    cr_assert_eq(speech_open(&s, &config), ERR_INVALID);
    loop_fini(&loop);
}

/* The queue is full: the script is told so, on its line, and the next one's turn comes later. */
Test(prompts, more_texts_than_may_wait)
{
    struct bench b;
    uint32_t answered = 0;

    write_command("echo >>log; sleep 3600");
    open_bench(&b);
    for (uint32_t i = 0; i < SPEECH_JOBS_MAX; i++) {
        char text[16];
        snprintf(text, sizeof text, "text %u", i);
        struct speech_text t = {.lang = "en", .text = slice_cstr(text)};
        cr_assert_eq(speech_ask(b.rt->speech, &t, nobody_minds, &answered), OK);
    }
    bench_body(&b, "call:answer()\ncall:say('one more')");
    until_ended(&b);
    cr_assert(strstr(b.report.error, "t.lua:3: "), "%s", b.report.error);
    cr_assert(strstr(b.report.error, "1024 texts wait for the synthesiser already"), "%s",
              b.report.error);
    cr_assert_eq(speech_stats(b.rt->speech)->refused, 1u);
    cr_assert_eq(speech_stats(b.rt->speech)->wanted_peak, SPEECH_JOBS_MAX);
    bench_close(&b);
    cr_assert_eq(answered, SPEECH_JOBS_MAX, "whoever waits is told the end");
}

Test(prompts, the_default_synthesiser_speaks_all_languages)
{
    struct bench b;

    snprintf(command, sizeof command, "%s", SPEECH_COMMAND);
    open_bench(&b);
    bench_body(&b, "call:answer()\n"
                   "call:say(read.number(21), { background = true })\n"
                   "call:language('ru') call:say(read.number(21), { background = true })\n"
                   "call:language('sl') call:say('- ' .. read.number(21), { background = true })");
    until_ended(&b);
    cr_assert_str_eq(b.report.error, "");
    uint32_t ms, said = 0;
    for (const char *at = b.call.said; (at = strstr(at, "play ")); at += 5, said++) {
        cr_assert_eq(sscanf(at, "play %u", &ms), 1);
        cr_assert(ms > 300 && ms < 5000, "%u ms", ms);
    }
    cr_assert_eq(said, 3u);
    bench_close(&b);
}

Test(prompts, words_in_the_calls_language)
{
    struct bench b;

    open_bench(&b);
    bench_body(&b, "check(read.number(21) == 'twenty-one')\n"
                   "check(read.number(21, { lang = 'sl' }) == 'enaindvajset')\n"
                   "call:language('ru')\n"
                   "check(read.number(2, { gender = 'f' }) == 'две')\n"
                   "check(read.digits('007') == 'ноль ноль семь')\n"
                   "check(read.date('2026-03-01', { on = true }) == "
                   "'первого марта две тысячи двадцать шестого года')\n"
                   "check(read.date('03-01') == 'первое марта')\n"
                   "check(read.amount(12.5, 'EUR') == 'двенадцать евро пятьдесят центов')\n"
                   "check(read.plural(22, { one = 'a', few = 'b', many = 'c' }) == 'b')\n"
                   "check(read.plural(2, { many = 'c' }, { lang = 'sl' }) == 'c')\n"
                   "for _, day in ipairs { '2026-02-30', '0000-01-01', 'x', '2026-1-1x', '' } do\n"
                   "  check(not pcall(read.date, day), day)\n"
                   "end\n"
                   "check(not pcall(read.number, 1.5) and not pcall(read.number, 1 << 60))\n"
                   "check(not pcall(read.digits, 'x') and not pcall(read.amount, 1, 'XYZ'))\n"
                   "check(not pcall(read.amount, 0/0, 'EUR'))\n"
                   "check(not pcall(read.plural, 1, {}))");
    well(&b, 18);
    bench_close(&b);
}
