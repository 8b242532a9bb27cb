/* Campaign files: what is read, what is defaulted, and that every complaint names its line. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "call/call.h"
#include "campaign/file.h"
#include "campaign/rules.h"
#include "dsp/dsp.h"
#include "io/tls.h"

#define HEAD   "name: test\ntrunks:\n  - { name: one, address: \"127.0.0.1:5070\" }\n"
#define PACED  "pacing: { concurrent: 5 }\n"
#define AGENTS "agents:\n  - { name: a-%d, uri: \"sip:a-%d@127.0.0.1\", count: 3 }\n"

static char error[CAMPAIGN_ERROR_MAX];

static struct campaign *parse(const char *text)
{
    struct campaign *c;
    enum err e = campaign_parse(&c, "folder/test.yaml", slice_cstr(text), error);

    cr_assert_eq(e, OK, "%s", error);
    return c;
}

/* The complaint stands on this line and says this. */
static void refuse(const char *text, unsigned line, const char *says)
{
    struct campaign *c;
    char place[64];
    enum err e = campaign_parse(&c, "test.yaml", slice_cstr(text), error);

    cr_expect_neq(e, OK, "accepted: %s", text);
    cr_expect_null(c);
    if (line)
        snprintf(place, sizeof(place), "test.yaml:%u: ", line);
    else
        snprintf(place, sizeof(place), "test.yaml: ");
    cr_expect(strncmp(error, place, strlen(place)) == 0, "wanted %s in: %s", place, error);
    cr_expect(strstr(error, says), "wanted '%s' in: %s", says, error);
}

Test(file, the_least_campaign_has_defaults)
{
    struct campaign *c = parse("name: small\ntrunks: [{address: 127.0.0.1}]\n"
                               "pacing: {concurrent: 5}\n");
    char text[ADDR_TEXT_MAX];

    cr_expect_str_eq(c->name, "small");
    cr_expect_str_eq(c->trunks[0].name, "trunk-1");
    cr_expect_str_eq(addr_format(&c->trunks[0].address, text, sizeof(text)), "127.0.0.1:5060");
    cr_expect_not(c->trunks[0].tcp);
    cr_expect_eq(c->trunks[0].max_calls, 100);
    cr_expect_str_eq(c->country->iso, "us");
    cr_expect_str_eq(c->tone_plan, "us");
    cr_expect_str_eq(zone_name(c->zone), "America/New_York");
    cr_expect(c->windows.any);
    cr_expect_eq(c->ring_timeout_ms, 25000);
    cr_expect_eq(c->attempts, 3);
    cr_expect_eq(c->pacing.mode, PACING_AGENTLESS, "without agents");
    cr_expect_eq(c->abandonment.limit_ms, 2000);
    cr_expect_float_eq(c->abandonment.cap_percent, 3.0, 1e-9);
    cr_expect_eq(c->on[RESULT_HUMAN].kind, TREAT_HANGUP);
    cr_expect_eq(c->rules[RESULT_VACANT].how[0], RETRY_FINISH);
    cr_expect_str_eq(c->rules[RESULT_VACANT].finish, STATUS_INVALID);
    cr_expect_eq(c->drain, DRAIN_FINISH);
    cr_expect_str_eq(c->leads, "");
    cr_expect_gt(c->analysis.total_ms, 0);
    campaign_free(c);
}

Test(file, everything_said)
{
    struct campaign *c = parse(
        "name: all.of-it_1\ncountry: RU\nzone: Europe/Samara\ntone_plan: gb\n"
        "prints: lists/known.prints\n"
        "windows: mon-fri 09:00-21:00\nleads: lists/leads.csv\nattempts: 5\nring_timeout: 30s\n"
        "drain: hangup\nmax_calls: 77\n"
        "caller_ids: [\"8 001 234 56 78\", desk]\n"
        "trunks:\n"
        "  - {name: a, address: \"[::1]:5070\", transport: TCP, register: yes, user: u, password: "
        "p,\n"
        "     max_calls: 7, calls_per_second: 2.5, redirects: 3, caller_ids: [\"+70012345679\"]}\n"
        "  - {name: b, address: 127.0.0.2}\n"
        "agents:\n"
        "  - {name: \"x-%d\", uri: \"sip:x-%d@127.0.0.1:5071\", count: 2, first: 7, wrap_up: "
        "1m30s}\n"
        "  - {name: solo, uri: \"sip:solo@127.0.0.1\"}\n"
        "analysis: {initial_silence: 3s, greeting: 1500ms, after_greeting: 700ms, total: 4s,"
        " mode: rules, dropped_person: 1h, machine_at_agent: 20s}\n"
        "pacing: {mode: ratio, ratio: 1.75, calls_per_second: 3, concurrent: 20}\n"
        "abandonment: {limit: 1500ms, cap: 2.5, keep_days: 1825, message: /sounds/sorry.wav}\n"
        "on: {machine: message vm drop.wav After Beep, ivr: flow ivr.lua, fax: hangup}\n"
        "results:\n"
        "  busy: {after: \"90s, 5m, 1h\", attempts: 4, finish: gave_up}\n"
        "  no_answer: {after: 2h}\n"
        "  vacant: {finish: dead}\n"
        "  rejected: {after: 1d, next: other_trunk}\n"
        "recording: {mode: all, dir: rec, format: opus, bitrate: 24000, prebuffer: 1500ms, "
        "keep_days: 90, mask_key: \"#\", key_file: rec.key}\n"
        "hold: {key: '*', music: moh.wav}\n"
        "supervision: {pin: '0921'}\n"
        "sip: {address: \"127.0.0.1:5080\", tcp: on}\n"
        "addresses: [{sip: \"[::1]\"}]\n"
        "media: {address: 127.0.0.1, ports: 30000-30999, workers: 2}\n");

    cr_expect_eq(c->abandonment.keep_days, 1825);
    cr_expect_str_eq(zone_name(c->zone), "Europe/Samara");
    cr_expect_str_eq(c->tone_plan, "gb");
    cr_expect_str_eq(c->leads, "folder/lists/leads.csv");
    cr_expect_str_eq(c->prints, "folder/lists/known.prints");
    cr_expect_eq(c->max_calls, 77);
    cr_expect_str_eq(c->caller_ids[0], "+70012345678", "caller ids are normalised");
    cr_expect_str_eq(c->caller_ids[1], "desk");
    cr_expect(c->trunks[0].tcp && c->trunks[0].registers);
    cr_expect_eq(addr_port(&c->trunks[0].address), 5070);
    cr_expect_eq(c->trunks[0].redirects, 3);
    cr_expect_eq(c->trunks[1].redirects, 0, "none by default");
    cr_expect_eq(c->trunks[0].caller_id_count, 1);
    cr_expect_str_eq(c->trunks[0].caller_ids[0], "+70012345679");
    cr_expect_eq(c->trunks[1].caller_id_count, 2, "the campaign's pool");
    cr_expect_str_eq(c->trunks[1].caller_ids[1], "desk");
    cr_assert_eq(c->agent_count, 3);
    cr_expect_str_eq(c->agents[1].name, "x-8");
    cr_expect_str_eq(c->agents[1].uri, "sip:x-8@127.0.0.1:5071");
    cr_expect_eq(c->agents[1].wrap_up_ms, 90000);
    cr_expect_str_eq(c->agents[2].name, "solo");
    cr_expect_eq(c->analysis.greeting_ms, 1500);
    cr_expect_eq(c->analysis.mode, DSP_AMD_RULES);
    cr_expect_eq(c->analysis.drop_cost_ms, 3600000);
    cr_expect_eq(c->analysis.agent_cost_ms, 20000);
    cr_expect_float_eq(c->pacing.ratio, 1.75, 1e-9);
    cr_expect_str_eq(c->abandonment.message, "/sounds/sorry.wav");
    cr_expect_eq(c->on[RESULT_HUMAN].kind, TREAT_AGENT, "by default");
    cr_expect_eq(c->on[RESULT_MACHINE].kind, TREAT_MESSAGE);
    cr_expect(c->on[RESULT_MACHINE].after_beep);
    cr_expect_str_eq(c->on[RESULT_MACHINE].file, "folder/vm drop.wav");
    cr_expect_eq(c->on[RESULT_IVR].kind, TREAT_FLOW);
    cr_expect_str_eq(c->on[RESULT_IVR].file, "folder/ivr.lua");
    const struct campaign_rule *busy = &c->rules[RESULT_BUSY];
    cr_expect_eq(busy->after_count, 3);
    cr_expect_eq(busy->after[0].ms, 90000);
    cr_expect_eq(busy->after[2].ms, 3600000);
    cr_expect_eq(busy->attempts, 4);
    cr_expect_str_eq(busy->finish, "gave_up");
    cr_expect_str_eq(c->rules[RESULT_VACANT].finish, "dead");
    cr_expect_eq(c->rules[RESULT_VACANT].how[0], RETRY_FINISH);
    cr_expect_eq(c->rules[RESULT_REJECTED].how[0], RETRY_OTHER_TRUNK);
    cr_expect_eq(c->rules[RESULT_REJECTED].attempts, 0,
                 "the default's bound is gone with its delay");
    cr_expect_str_eq(c->recording.dir, "folder/rec");
    cr_expect_eq(c->recording.how.format, RECORD_OPUS);
    cr_expect_eq(c->recording.how.bitrate, 24000);
    cr_expect_eq(c->recording.how.prebuffer_ms, 1500);
    cr_expect_eq(c->recording.how.keep_days, 90);
    cr_expect_eq(c->recording.how.mask_key, '#');
    cr_expect_str_eq(c->recording.how.key_file, "folder/rec.key");
    cr_expect_eq(c->hold.key, '*');
    cr_expect_str_eq(c->hold.music, "folder/moh.wav");
    cr_expect_str_eq(c->supervision.pin, "0921");
    cr_expect_eq(c->media.port_max, 30999);
    cr_expect(c->sip.tcp);
    campaign_free(c);
}

Test(file, the_demo_campaign_is_good)
{
    struct campaign *c;
    const char *source = getenv("PEAL_SOURCE");
    char path[512];

    snprintf(path, sizeof(path), "%s/scenarios/campaigns/demo.yaml", source ? source : ".");
    cr_assert_eq(campaign_load(&c, path, error), OK, "%s", error);
    cr_expect_eq(c->agent_count, 10);
    cr_expect_str_eq(c->agents[9].uri, "sip:agent-10@127.0.0.1:5070");
    campaign_free(c);
}

/* The reference says each default; here each is held against what the code takes by itself. */
Test(file, the_reference_tells_the_truth)
{
    struct campaign *said, *plain;
    const char *source = getenv("PEAL_SOURCE");
    char path[512];

    snprintf(path, sizeof(path), "%s/scenarios/campaigns/reference.yaml", source ? source : ".");
    cr_assert_eq(campaign_load(&said, path, error), OK, "%s", error);
    plain = parse("name: plain\ntrunks: [{address: 127.0.0.1}]\n"
                  "agents: [{name: a, uri: \"sip:a@127.0.0.1\"}]\n");
    cr_expect_eq(said->country, plain->country);
    cr_expect_str_eq(said->tone_plan, plain->tone_plan);
    cr_expect_str_eq(zone_name(said->zone), zone_name(plain->zone));
    cr_expect_eq(said->windows.any, plain->windows.any);
    cr_expect_eq(said->attempts, plain->attempts);
    cr_expect_eq(said->ring_timeout_ms, plain->ring_timeout_ms);
    cr_expect_eq(said->drain, plain->drain);
    cr_expect_eq(said->max_calls, plain->max_calls);
    cr_expect_str_eq(said->trunks[0].name, plain->trunks[0].name);
    cr_expect(addr_eq(&said->trunks[0].address, &plain->trunks[0].address));
    cr_expect_eq(said->trunks[0].max_calls, plain->trunks[0].max_calls);
    cr_expect_eq(said->agents[0].wrap_up_ms, plain->agents[0].wrap_up_ms);
    cr_expect_eq(memcmp(&said->analysis, &plain->analysis, sizeof(said->analysis)), 0,
                 "analysis: %u %u %u %u by default", plain->analysis.initial_silence_ms,
                 plain->analysis.greeting_ms, plain->analysis.after_greeting_ms,
                 plain->analysis.total_ms);
    cr_expect_eq(said->pacing.mode, plain->pacing.mode);
    cr_expect_eq(said->abandonment.limit_ms, plain->abandonment.limit_ms);
    cr_expect_float_eq(said->abandonment.cap_percent, plain->abandonment.cap_percent, 1e-9);
    cr_expect_eq(said->abandonment.keep_days, plain->abandonment.keep_days);
    cr_expect_eq(said->recording.mode, plain->recording.mode);
    cr_expect(addr_eq(&said->sip.address, &plain->sip.address));
    cr_expect(said->media.port_min == plain->media.port_min &&
              said->media.port_max == plain->media.port_max &&
              said->media.workers == plain->media.workers &&
              said->media.late_limit_ms == plain->media.late_limit_ms);
    for (int i = RESULT_NONE + 1; i < RESULT_COUNT; i++) {
        const struct campaign_rule *a = &said->rules[i], *b = &plain->rules[i];
        const char *name = result_name((enum result)i);
        cr_expect_eq(said->on[i].kind, plain->on[i].kind, "on: %s", name);
        cr_expect(a->how_count == b->how_count && a->how[0] == b->how[0] &&
                      a->after_count == b->after_count &&
                      memcmp(a->after, b->after, sizeof(a->after)) == 0 &&
                      a->attempts == b->attempts && strcmp(a->finish, b->finish) == 0,
                  "results: %s", name);
    }
    campaign_free(said);
    campaign_free(plain);
}

Test(file, unknown_keys_name_their_line_and_what_is_accepted)
{
    refuse(HEAD "colour: red\n", 4, "unknown key 'colour'; accepted: name, country");
    refuse("name: x\n\n# pacing:\n"
           "pacing:\n  mode: ratio\n\n  ration: 2\ntrunks: []\n",
           7,
           "unknown key 'ration' in pacing; accepted: mode, ratio, calls_per_second, "
           "engine_calls_per_second, concurrent");
    refuse(HEAD "analysis:\n  mode: asterisk\n", 5, "model");
    refuse(HEAD "analysis:\n  dropped_person: 19h\n", 5, "dropped_person");
    refuse(HEAD "on:\n  human: agent\n  hooman: agent\n", 6, "'hooman' in on; accepted: human, ");
    refuse(HEAD "on: {busy: hangup}\n", 4, "'busy' in on"); /* nobody answered: nothing to do */
    refuse(HEAD "results:\n  busy:\n    affter: 5m\n", 6,
           "'affter' in busy; accepted: after, attempts, next, finish, priority, counts, mark, "
           "comment");
    refuse("name: x\ntrunks:\n  - name: a\n    adress: 127.0.0.1\n", 4,
           "'adress' in trunks; accepted: name, address");
}

Test(file, what_flows_may_use)
{
    struct campaign *c = parse(HEAD "flows: { language: sl, http: \"127.0.0.1:80\",\n"
                                    "  speech: \"say {text} {file}\", speech_processes: 4,\n"
                                    "  speech_ahead: no }\n" PACED);

    cr_expect_str_eq(c->flows.language, "sl");
    cr_expect_str_eq(c->flows.http, "127.0.0.1:80");
    cr_expect_str_eq(c->flows.speech, "say {text} {file}");
    cr_expect_eq(c->flows.speech_processes, 4);
    cr_expect(c->flows.speech_on_demand);
    campaign_free(c);
    c = parse(HEAD PACED);
    cr_expect_str_eq(c->flows.http, "");
    cr_expect_not(c->flows.speech_on_demand);
    campaign_free(c);
    refuse(HEAD "flows: { speech: say }\n" PACED, 4, "{file} and {text}");
    refuse(HEAD "flows: { speech_processes: 17 }\n" PACED, 4, "1 to 16");
    refuse(HEAD "flows: { hosts: x }\n" PACED, 4, "hosts");
}

Test(file, wrong_values_name_their_line_and_what_is_accepted)
{
    refuse(HEAD AGENTS "pacing: {mode: fast}\n", 6, "accepted: progressive, ratio, agentless");
    refuse(HEAD AGENTS "pacing:\n  mode: ratio\n  ratio: 11\n", 8, "accepted: a number, 1 to 10");
    refuse(HEAD AGENTS "pacing:\n  mode: ratio\n  ratio: nan\n", 8, "a number");
    refuse(HEAD AGENTS "pacing:\n  mode: ratio\n  ratio: 0x2\n", 8, "a number");
    refuse(HEAD AGENTS "pacing: {ratio: 2}\n", 6, "ratio is for 'mode: ratio'");
    refuse(HEAD AGENTS "pacing:\n  mode: ratio\n  preview_time: 5s\n", 7,
           "are for 'mode: preview'");
    refuse(HEAD AGENTS "pacing: {mode: preview, skip_for: 2d}\n", 6, "out of range");
    refuse(HEAD AGENTS "ring_timeout: 25\n", 6, "no duration; accepted: 1s to 3m");
    refuse(HEAD AGENTS "ring_timeout: 5m\n", 6, "out of range; accepted: 1s to 3m");
    refuse(HEAD AGENTS "attempts: 0\n", 6, "1 to 100");
    refuse(HEAD AGENTS "attempts: -1\n", 6, "1 to 100");
    refuse(HEAD AGENTS "country: xx\n", 6, "accepted: two letters");
    refuse(HEAD AGENTS "zone: Europe/Nowhere\n", 6, "no time zone");
    refuse(HEAD AGENTS "windows: mon 9-17\n", 6, "no calling window");
    refuse(HEAD AGENTS "tone_plan: mars\n", 6, "itu, ru, si, us, or a file");
    refuse(HEAD AGENTS "drain: now\n", 6, "accepted: finish, hangup");
    refuse(HEAD AGENTS "on:\n  machine: leave a message\n", 7, "message FILE after beep");
    refuse(HEAD AGENTS "on:\n  machine: message\n", 7, "message FILE");
    refuse(HEAD AGENTS "results:\n  busy: {after: soon}\n", 7, "delays up to 45d");
    refuse(HEAD AGENTS "results:\n  busy: {after: 46d}\n", 7, "delays up to 45d");
    refuse(HEAD AGENTS "results:\n  busy:\n    after: 5m\n    next: finish\n", 9, "contradict");
    refuse(HEAD AGENTS "results:\n  busy: {finish: \"a b\"}\n", 7, "letters, digits");
    refuse(HEAD AGENTS "recording: {mode: some}\n", 6, "accepted: off, agent, all");
    refuse(HEAD AGENTS "recording: {format: mp3}\n", 6, "accepted: wav, opus");
    refuse(HEAD AGENTS "recording: {prebuffer: 31s}\n", 6, "30s");
    refuse(HEAD AGENTS "recording: {mask_key: \"12\"}\n", 6, "one key");
    refuse(HEAD AGENTS "recording:\n  key_file: a\n  key_command: b\n", 8, "one is accepted");
    refuse(HEAD AGENTS "recording: {mask_key: '5'}\nhold: {key: '5'}\n", 7, "mask_key");
    refuse(HEAD AGENTS "hold: {key: '12'}\n", 6, "one key of a telephone");
    refuse(HEAD AGENTS "supervision: {pin: '123'}\n", 6, "4 to 16 digits");
    refuse(HEAD AGENTS "supervision: {pin: 12a45}\n", 6, "4 to 16 digits");
    refuse(HEAD AGENTS "media:\n  ports: 500-600\n", 7, "from 1024 on");
    refuse(HEAD AGENTS "media:\n  ports: 20000\n", 7, "a range");
    refuse(HEAD AGENTS "sip: {address: example.test}\n", 6, "an IP address");
    refuse(HEAD AGENTS "sip: {tcp: maybe}\n", 6, "accepted: yes, no");
    refuse(HEAD AGENTS "caller_ids:\n  - \"+12025550100\"\n  - \"a b\"\n", 8, "a number, or");
    refuse("name: a b\n"
           "trunks: [{address: 127.0.0.1}]\n",
           1, "letters, digits");
}

Test(file, trunks_and_agents)
{
    refuse("name: x\n", 0, "at least one trunk");
    refuse("trunks: [{address: 127.0.0.1}]\n", 0, "a campaign needs a name");
    refuse("name: x\ntrunks:\n  - name: a\n", 3, "trunk 'a' has no address");
    refuse("name: x\ntrunks:\n  - {name: a, address: sip.example.test}\n", 3, "an IP address");
    refuse("name: x\ntrunks:\n  - {name: a, address: 0.0.0.0}\n", 3, "an IP address");
    refuse("name: x\ntrunks:\n  - {name: a, address: 127.0.0.1}\n  - {name: a, address: "
           "127.0.0.2}\n",
           4, "two trunks named 'a'");
    refuse("name: x\ntrunks:\n  - address: 127.0.0.1\n    register: yes\n", 4, "needs a user");
    refuse("name: x\ntrunks:\n  - address: 127.0.0.1\n    user: u\n    password_file: /none\n", 5,
           "cannot read a password");
    refuse(HEAD "agents:\n  - name: a\n    count: 2\n    uri: sip:a@127.0.0.1\n", 6, "need a %d");
    refuse(HEAD "agents:\n  - {name: a}\n", 5, "a uri is needed");
    refuse(HEAD "agents:\n  - {name: a, uri: \"http://x\"}\n", 5, "sip:USER@HOST");
    refuse(HEAD "agents:\n  - {name: a, uri: \"sip:a@127.0.0.1\"}\n  - {name: a, uri: "
                "\"sip:b@127.0.0.1\"}\n",
           5, "two agents named 'a'");
    refuse(HEAD "on: {human: agent}\n", 0, "a campaign without agents needs");
    refuse(HEAD "pacing: {concurrent: 3}\non: {human: agent}\n", 5, "has no agents");
    refuse(HEAD "pacing: {mode: progressive}\n", 4, "needs agents");
}

Test(file, shapes_and_syntax)
{
    refuse("", 1, "empty");
    refuse("# only a comment\n", 1, "empty");
    refuse("name: [a]\n", 1, "a single value is expected");
    refuse("name: x\ntrunks: yes\n", 2, "a list is expected");
    refuse("name: x\npacing: fast\n", 2, "keys and values are expected");
    refuse("name: x\nname: y\n", 1, "given before");
    refuse("name: &a x\ncountry: *a\n", 2, "anchors and aliases");
    refuse("name: x\n  trunks: [\n", 1, "here or just below the YAML breaks off");
    refuse("name: y\nleads: \"x\n", 2, "not closed");
    refuse("- name: x\n", 1, "keys and values");
}

Test(file, a_password_may_come_from_a_file)
{
    char path[] = "/tmp/peal-password-XXXXXX", text[256];
    int fd = mkstemp(path);

    cr_assert(fd >= 0 && write(fd, "s3cret\nmore\n", 12) == 12);
    close(fd);
    snprintf(text, sizeof(text),
             "name: x\ntrunks: [{address: 127.0.0.1, user: u, password_file: %s}]\n"
             "pacing: {concurrent: 1}\n",
             path);
    struct campaign *c = parse(text);
    unlink(path);
    cr_expect_str_eq(c->trunks[0].password, "s3cret");
    campaign_free(c);
}

Test(file, missing_files_are_named)
{
    struct campaign *c = parse(HEAD "pacing: {concurrent: 1}\non: {human: message nothere.wav}\n");

    cr_expect_eq(campaign_check_files(c, error), ERR_NOT_FOUND);
    cr_expect(strncmp(error, "folder/test.yaml:5: human: ", 27) == 0 &&
                  strstr(error, "folder/nothere.wav"),
              "%s", error);
    campaign_free(c);
    cr_expect_eq(campaign_load(&c, "/nowhere/c.yaml", error), ERR_NOT_FOUND);
    cr_expect(strstr(error, "/nowhere/c.yaml"), "%s", error);
    cr_expect_eq(campaign_load(&c, "/dev/zero", error), ERR_TOO_LONG, "%s", error);
}

/* Each is tried, and named with its line. */
Test(file, what_is_played_must_be_a_sound)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"abandonment: { message: no-sound.wav }\n", "test.yaml:6: abandonment: message: "},
        {"hold:\n  key: \"*\"\n  music: no-sound.wav\n", "test.yaml:8: hold: music: "},
        {"hold: { ringback: no-sound.wav }\n", "test.yaml:6: hold: ringback: "},
        {"on:\n  human: agent\n  machine: message no-sound.wav after beep\n",
         "test.yaml:8: machine: "},
    };
    char dir[] = "/tmp/peal-sounds-XXXXXX", path[64], sound[64], text[600];

    cr_assert_not_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/test.yaml", dir);
    snprintf(sound, sizeof(sound), "%s/no-sound.wav", dir);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct campaign *c;
        FILE *f = fopen(sound, "w");

        fputs("RIFF, and then nothing of the kind", f);
        fclose(f);
        snprintf(text, sizeof(text), "%s%s", HEAD AGENTS, rows[i].text);
        cr_assert_eq(campaign_parse(&c, path, slice_cstr(text), error), OK, "%s", error);
        cr_expect_eq(c->sound_count, 1);
        cr_expect_neq(campaign_check_files(c, error), OK, "%s", rows[i].says);
        cr_expect(strstr(error, rows[i].says) && strstr(error, sound), "%s", error);
        unlink(sound);
        cr_expect_eq(campaign_check_files(c, error), ERR_NOT_FOUND, "%s", error);
        cr_expect(strstr(error, rows[i].says) && strstr(error, sound), "%s", error);
        campaign_free(c);
    }
    rmdir(dir);
}

Test(file, durations)
{
    const struct {
        const char *text;
        uint32_t ms;
    } good[] = {{"0", 0},        {"500ms", 500},    {"25s", 25000},     {"5m", 300000},
                {"1h", 3600000}, {"1d", 86400000},  {"1h30m", 5400000}, {"1.5s", 1500},
                {" 2s ", 2000},  {"0.25h", 900000}, {"1m0.5s", 60500}};
    const char *bad[] = {"",      "5",   "s",    "-5s",  "5 s", "5x",
                         "1..5s", "1.s", "5s 3", "0x5s", "5sm", "1e3s"};
    uint32_t ms;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        ms = 99;
        cr_expect_eq(campaign_duration(slice_cstr(good[i].text), UINT32_MAX, &ms), OK, "%s",
                     good[i].text);
        cr_expect_eq(ms, good[i].ms, "%s is %u", good[i].text, ms);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_expect_eq(campaign_duration(slice_cstr(bad[i]), UINT32_MAX, &ms), ERR_INVALID, "%s",
                     bad[i]);
    cr_expect_eq(campaign_duration(SLICE("999999999d"), UINT32_MAX, &ms), ERR_TOO_LONG);
    cr_expect_eq(campaign_duration(SLICE("11s"), 10000, &ms), ERR_TOO_LONG);
}

/* A file of one's own lies beside the campaign; it is read when the files are checked. */
Test(file, a_tone_plan_may_be_a_file)
{
    char dir[] = "/tmp/peal-plan-XXXXXX", path[64], error[CAMPAIGN_ERROR_MAX];
    struct campaign *c;

    cr_assert_not_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/own.yaml", dir);
    c = parse(HEAD AGENTS "tone_plan: own.yaml\n");
    cr_expect_str_eq(c->tone_plan, "folder/own.yaml");
    cr_expect_eq(campaign_check_files(c, error), ERR_IO);
    cr_expect(strncmp(error, "folder/own.yaml: cannot read", 28) == 0, "%s", error);
    snprintf(c->tone_plan, sizeof(c->tone_plan), "%s", path);
    FILE *f = fopen(path, "w");
    fputs("name: own\ntones:\n  - {kind: busy, hz: 450, cadence: [350, 35]}\n", f);
    fclose(f);
    cr_expect_eq(campaign_check_files(c, error), ERR_INVALID);
    cr_expect_not_null(strstr(error, "own.yaml:3: cadence: '35'"), "%s", error);
    f = fopen(path, "w");
    fputs("name: own\ntones:\n  - {kind: busy, hz: 450, cadence: [350, 350]}\n", f);
    fclose(f);
    cr_expect_eq(campaign_check_files(c, error), OK, "%s", error);
    cr_expect_not_null(dsp_plan_find(path));
    campaign_free(c);
    unlink(path);
    rmdir(dir);
}

/* ---- addresses ---- */

#define SIX                                                                                        \
    HEAD AGENTS "addresses:\n  - { name: six, sip: \"[::1]:5062\", tls_port: 5063, "               \
                "media_ports: 21000-21099 }\n"                                                     \
                "  - { sip: \"0.0.0.0\", advertise: 192.0.2.7, media_advertise: 192.0.2.8 }\n"

Test(file, addresses_beside_the_first)
{
    struct campaign *c = parse(SIX);
    char text[ADDR_TEXT_MAX];

    cr_assert_eq(c->address_count, 2);
    cr_expect_str_eq(addr_format(&c->addresses[0].sip, text, sizeof(text)), "[::1]:5062");
    cr_expect_str_eq(addr_format_host(&c->addresses[0].media, text, sizeof(text)), "::1");
    cr_expect_eq(c->addresses[0].tls_port, 5063);
    cr_expect_eq(c->addresses[0].port_min, 21000);
    cr_expect_str_eq(c->addresses[1].name, "address-2");
    cr_expect_str_eq(addr_format_host(&c->addresses[1].sip_advertised, text, sizeof(text)),
                     "192.0.2.7");
    cr_expect_str_eq(addr_format_host(&c->addresses[1].media_advertised, text, sizeof(text)),
                     "192.0.2.8");
    cr_expect_eq(c->trunks[0].place, 0);
    campaign_free(c);
}

Test(file, trunks_and_agents_go_through_the_address_that_fits)
{
    struct campaign *c =
        parse("name: t\naddresses: [{ name: six, sip: \"[::1]\" }, { name: in, sip: 127.0.0.2 }]\n"
              "trunks:\n  - { name: a, address: \"[::1]:5070\", media_ports: 22000-22099 }\n"
              "  - { name: b, address: \"127.0.0.1:5070\", through: in }\n"
              "  - { name: c, address: \"127.0.0.1:5071\" }\n"
              "agents:\n  - { name: x, uri: \"sip:x@[::1]:5080\" }\n"
              "  - { name: y, uri: \"sip:y@127.0.0.1\", through: in }\n"
              "  - { name: z, uri: \"sip:z@desk.example.org\" }\n");

    cr_expect_eq(c->trunks[0].place, 1);
    cr_expect_eq(c->trunks[0].port_min, 22000);
    cr_expect_eq(c->trunks[0].port_max, 22099);
    cr_expect_eq(c->trunks[1].place, 2);
    cr_expect_eq(c->trunks[2].place, 0);
    cr_expect_eq(c->agents[0].place, 1);
    cr_expect_eq(c->agents[1].place, 2);
    cr_expect_eq(c->agents[2].place, 0);
    campaign_free(c);
}

Test(file, media_stands_where_sip_does)
{
    struct campaign *c = parse(HEAD AGENTS "sip: { address: 0.0.0.0, advertise: 192.0.2.7, dscp: "
                                           "af31 }\nmedia: { dscp: 0 }\n");
    char text[ADDR_TEXT_MAX];

    cr_expect(addr_is_any(&c->media.address));
    cr_expect_str_eq(addr_format_host(&c->media.advertised, text, sizeof(text)), "192.0.2.7");
    cr_expect_eq(c->sip.dscp, 26);
    cr_expect_eq(c->media.dscp, 0);
    campaign_free(c);
    c = parse(HEAD AGENTS);
    cr_expect_eq(c->sip.dscp, 24);
    cr_expect_eq(c->media.dscp, 46);
    campaign_free(c);
}

Test(file, addresses_that_cannot_be)
{
    refuse("name: t\ntrunks:\n  - { name: a, address: \"[::1]:5070\" }\n" AGENTS, 3, "IPv6");
    refuse(HEAD "agents:\n  - { name: x, uri: \"sip:x@[::1]\" }\n", 5, "agents: ");
    refuse(HEAD AGENTS "addresses:\n  - { name: six, sip: \"[::1]\" }\n"
                       "  - { name: six, sip: \"[::1]:5070\" }\n",
           8, "two named 'six'");
    refuse("name: t\ntrunks:\n  - { name: a, address: 127.0.0.1, through: out }\n" AGENTS, 3,
           "none of 'addresses'");
    refuse("name: t\naddresses: [{ name: six, sip: \"[::1]\" }]\ntrunks:\n"
           "  - { name: a, address: 127.0.0.1, through: six }\n" AGENTS,
           4, "one of the two is IPv4");
    refuse(HEAD AGENTS "sip: { address: 0.0.0.0 }\n", 6, "advertise");
    refuse(HEAD AGENTS "sip: { address: 127.0.0.1, advertise: \"::1\" }\n", 6, "same family");
    refuse(HEAD AGENTS "media: { address: \"::\" }\n", 6, "advertise");
    refuse(HEAD AGENTS "media: { dscp: 64 }\n", 6, "media: dscp");
    refuse("name: t\ntrunks:\n  - { name: a, address: 127.0.0.1, media_ports: 5-6 }\n" AGENTS, 3,
           "media_ports");
}

Test(file, far_sides_behind_a_nat_and_the_leftovers_of_srtp)
{
    struct campaign *c = parse(
        "name: t\ntrunks:\n  - { name: a, address: 127.0.0.1, nat: yes, keep_alive: 10s }\n"
        "  - { name: b, address: 127.0.0.2 }\n"
        "agents:\n  - { name: x, uri: \"sip:x@127.0.0.1\", nat: no, keep_alive: 0s }\n"
        "  - { name: y, uri: \"sip:y@127.0.0.1\" }\n"
        "sip: { srtp_mki: 4, srtp_rekey: 1h, srtp_lifetime: 2^20, srtp_transform: libsrtp2 }\n"
        "tls: { crl: revoked.pem, stapling: if-given }\nmedia: { keep_alive: 20s }\n");

    cr_expect_eq(c->trunks[0].nat, CALL_NAT_YES);
    cr_expect_eq(c->trunks[0].keep_alive_ms, 10000);
    cr_expect_eq(c->trunks[1].nat, CALL_NAT_AUTO);
    cr_expect_eq(c->trunks[1].keep_alive_ms, 25000);
    cr_expect_eq(c->agents[0].nat, CALL_NAT_NO);
    cr_expect_eq(c->agents[0].keep_alive_ms, 0);
    cr_expect_eq(c->agents[1].keep_alive_ms, 25000);
    cr_expect_eq(c->sip.mki_bytes, 4);
    cr_expect_eq(c->sip.rekey_ms, 3600000);
    cr_expect_eq(c->sip.srtp_lifetime, 1 << 20);
    cr_expect(c->sip.libsrtp2);
    cr_expect_str_eq(c->tls.crl, "folder/revoked.pem");
    cr_expect_eq(c->tls.stapling, TLS_STAPLING_IF_GIVEN);
    cr_expect_eq(c->media.keep_alive_ms, 20000);
    campaign_free(c);
    c = parse(HEAD AGENTS "media: { shared: yes }\n");
    cr_expect(c->media.shared);
    campaign_free(c);
    refuse(HEAD AGENTS "media: { shared: yes, workers: 2 }\n", 6, "stay on one worker");
    refuse(HEAD AGENTS "media: { address: 127.0.0.1, shared: yes, advertise: 192.0.2.7 }\n", 6,
           "with advertise");
    c = parse(HEAD AGENTS);
    cr_expect_not(c->media.shared);
    cr_expect_eq(c->media.keep_alive_ms, 15000);
    cr_expect_not(c->sip.libsrtp2);
    campaign_free(c);
    refuse(HEAD AGENTS "sip: { srtp_mki: 5 }\n", 6, "srtp_mki");
    refuse(HEAD AGENTS "sip: { srtp_rekey: 10ms }\n", 6, "srtp_rekey");
    refuse(HEAD AGENTS "sip: { srtp_lifetime: 1000 }\n", 6, "srtp_lifetime: '1000'");
    refuse(HEAD AGENTS "sip: { srtp_lifetime: 2^49 }\n", 6, "srtp_lifetime: '2^49'");
    refuse(HEAD AGENTS "tls: { stapling: perhaps }\n", 6, "stapling");
    refuse(HEAD AGENTS "sip: { srtp_transform: best }\n", 6, "libsrtp2");
    refuse(HEAD "agents:\n  - { name: x, uri: \"sips:x@127.0.0.1\" }\n", 5, "transport=tls");
}
