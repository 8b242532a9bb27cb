/* From the text of a campaign file to struct campaign: defaults first, then what the file says,
 * then the checks that need several values at once. */
#include "campaign/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "campaign/calling_read.h"
#include "campaign/dates.h"
#include "campaign/reading.h"
#include "dsp/dsp.h"
#include "io/mark.h"
#include "media/admission.h"

#define MINUTE_MS   60000u
#define COST_MAX_MS (18 * 60 * MINUTE_MS)

const char *pacing_mode_name(enum pacing_mode m)
{
    static const char *const names[PACING_MODES] = {"progressive", "ratio", "agentless",
                                                    "predictive", "preview"};

    return (unsigned)m < PACING_MODES ? names[m] : "?";
}

const char *treatment_name(enum treatment_kind k)
{
    static const char *const names[] = {"hangup", "agent", "message", "flow"};

    return (unsigned)k < 4 ? names[k] : "?";
}

const char *campaign_status_name(enum campaign_status s)
{
    static const char *const names[CAMPAIGN_STATUSES] = {"reached", "not_reached", "invalid",
                                                         "refused", "not_dialled", "failed"};

    return (unsigned)s < CAMPAIGN_STATUSES ? names[s] : "?";
}

static void set_defaults(struct campaign *c)
{
    struct dsp_amd_config amd;

    dsp_amd_defaults(&amd);
    c->analysis.initial_silence_ms = amd.initial_silence_ms;
    c->analysis.greeting_ms = amd.greeting_ms;
    c->analysis.after_greeting_ms = amd.after_greeting_ms;
    c->analysis.total_ms = amd.total_ms;
    c->analysis.mode = amd.mode;
    c->analysis.drop_cost_ms = amd.drop_cost_s * 1000u;
    c->analysis.agent_cost_ms = amd.agent_cost_s * 1000u;
    c->ring_timeout_ms = 25000;
    c->attempts = 3;
    c->windows.any = true;
    c->pacing.mode = PACING_PROGRESSIVE;
    c->pacing.ratio = 1.0;
    c->pacing.preview_ms = 15000;
    c->pacing.skip_ms = 3600000;
    c->abandonment.limit_ms = 2000;
    c->abandonment.cap_percent = 3.0;
    c->abandonment.keep_days = 730;
    c->recording.mode = RECORDING_OFF;
    c->recording.how.prebuffer_ms = RECORD_PREBUFFER_DEFAULT_MS;
    c->records.keep = 100000;
    c->drain = DRAIN_FINISH;
    addr_parse(SLICE("127.0.0.1:0"), 0, &c->sip.address);
    addr_parse(SLICE("127.0.0.1:0"), 0, &c->media.address);
    c->sip.dscp = MARK_DSCP_CALLS;
    c->media.dscp = MARK_DSCP_VOICE;
    c->media.keep_alive_ms = 15000; /* RFC 6263 6 */
    c->media.port_min = 20000;
    c->media.port_max = 29999;
    c->media.late_limit_ms = ADMISSION_LIMIT_MS;
    c->max_calls = 2000;
}

static void read_place(struct reading *r)
{
    const struct raw_campaign *raw = r->raw;
    struct campaign *c = r->campaign;
    char why[CAMPAIGN_ERROR_MAX];

    if (!raw->name)
        reading_fail(r, NULL, "a campaign needs a name ('name: spring-offer')");
    reading_name(r, "name", raw->name, c->name, sizeof(c->name));
    const char *country = raw->country ? raw->country : "us";
    c->country = number_country_find(slice_cstr(country));
    if (!c->country)
        reading_fail(r, raw->country, "country: '%.60s' is not known; accepted: %s", country,
                     number_country_names());
    if (r->failed)
        return;
    snprintf(c->tone_plan, sizeof(c->tone_plan), "%s", c->country->tone_plan);
    /* A file is read when the files are checked (campaign_check_files). */
    if (raw->tone_plan && dsp_plan_is_file(raw->tone_plan))
        reading_path(r, "tone_plan", raw->tone_plan, c->tone_plan, sizeof(c->tone_plan));
    else
        reading_text(r, "tone_plan", raw->tone_plan, c->tone_plan, sizeof(c->tone_plan));
    if (!r->failed && !dsp_plan_is_file(c->tone_plan) && !dsp_plan_find(c->tone_plan))
        reading_fail(r, raw->tone_plan,
                     "tone_plan: '%.60s' is not known; accepted: %s, or a file (own.yaml)",
                     c->tone_plan, dsp_plan_names());
    const char *zone = raw->zone ? raw->zone : c->country->zone;
    if (!r->failed && !zone[0])
        reading_fail(r, raw->country,
                     "country: '%.60s' has several time zones; say which is the campaign's "
                     "(zone: Europe/Ljubljana)",
                     country);
    if (!r->failed && zone_open(&c->zone, slice_cstr(zone)))
        reading_fail(r, raw->zone,
                     "zone: '%.60s' is no time zone of this system; accepted: a name "
                     "such as Europe/Ljubljana or UTC (is tzdata installed?)",
                     zone);
    if (!r->failed && raw->windows &&
        windows_parse(slice_cstr(raw->windows), &c->windows, why, sizeof(why)))
        reading_fail(r, raw->windows, "windows: %s", why);
}

/* Whose hours hold beside the campaign's, and how often a number may be called. */
static void read_rules_file(struct reading *r, const char *key, const char *text, char *path,
                            struct calling_rules **out)
{
    reading_path(r, key, text, path, CAMPAIGN_PATH_MAX);
    if (path[0] && !r->failed && !r->files_stay_closed && calling_load(out, path, r->error) != OK)
        r->failed = true;
}

static void read_calling(struct reading *r)
{
    const struct raw_campaign *raw = r->raw;
    struct campaign *c = r->campaign;
    uint32_t most;

    reading_holidays(r, "holidays", raw->holidays, &c->holidays);
    reading_zones(r, "zones", raw->zones, raw->zones_count, c->zone_candidates,
                  &c->zone_candidate_count);
    reading_limits(r, "number_limits", raw->number_limits, raw->number_limits_count,
                   &c->number_limits);
    read_rules_file(r, "calling_rules", raw->calling_rules, c->calling_path, &c->calling);
    read_rules_file(r, "exceptions", raw->exceptions, c->exceptions_path, &c->exceptions);
    most = c->number_limits.count;
    most += c->calling ? calling_limits_most(c->calling) : 0;
    most += c->exceptions ? calling_limits_most(c->exceptions) : 0;
    if (most > CAMPAIGN_LIMITS_MAX)
        reading_fail(r, c->calling ? raw->calling_rules : raw->exceptions,
                     "%s: with number_limits%s these are more than %u limits for a number",
                     c->calling ? "calling_rules" : "exceptions",
                     c->calling && c->exceptions ? " and exceptions" : "", CAMPAIGN_LIMITS_MAX);
}

static void read_date(struct reading *r, const char *key, const char *text, bool end,
                      uint64_t *wall_ms)
{
    if (text && !r->failed &&
        campaign_instant(r->campaign->zone, slice_cstr(text), end, wall_ms) != OK)
        reading_fail(r, text,
                     "%s: '%.60s' is no day; accepted: 2026-03-02, or 2026-03-02 14:30 (of the "
                     "campaign's zone)",
                     key, text);
}

static void read_dates(struct reading *r)
{
    const struct raw_campaign *raw = r->raw;
    struct campaign *c = r->campaign;

    read_date(r, "starts", raw->starts, false, &c->starts_wall_ms);
    read_date(r, "ends", raw->ends, true, &c->ends_wall_ms);
    if (!r->failed && c->ends_wall_ms && c->ends_wall_ms <= c->starts_wall_ms)
        reading_fail(r, raw->ends, "ends: the campaign ends before it starts");
}

/* How the verdict is made, and what mistakes cost. */
static void read_verdict(struct reading *r)
{
    static const struct reading_word modes[] = {{"model", DSP_AMD_MODEL}, {"rules", DSP_AMD_RULES}};
    const struct raw_campaign *raw = r->raw;
    struct campaign *c = r->campaign;

    c->analysis.mode = (uint32_t)reading_word(r, "analysis: mode", raw->analysis.mode, modes, 2,
                                              (int)c->analysis.mode);
    reading_duration(r, "analysis: dropped_person", raw->analysis.dropped_person, 1000, COST_MAX_MS,
                     &c->analysis.drop_cost_ms);
    reading_duration(r, "analysis: machine_at_agent", raw->analysis.machine_at_agent, 1000,
                     COST_MAX_MS, &c->analysis.agent_cost_ms);
}

static void read_analysis(struct reading *r)
{
    const struct raw_campaign *raw = r->raw;
    struct campaign *c = r->campaign;

    reading_duration(r, "ring_timeout", raw->ring_timeout, 1000, 3 * MINUTE_MS,
                     &c->ring_timeout_ms);
    reading_duration(r, "analysis: initial_silence", raw->analysis.initial_silence, 200, 30000,
                     &c->analysis.initial_silence_ms);
    reading_duration(r, "analysis: greeting", raw->analysis.greeting, 200, 30000,
                     &c->analysis.greeting_ms);
    reading_duration(r, "analysis: after_greeting", raw->analysis.after_greeting, 100, 10000,
                     &c->analysis.after_greeting_ms);
    reading_duration(r, "analysis: total", raw->analysis.total, 500, 60000, &c->analysis.total_ms);
    if (!r->failed && c->analysis.total_ms < c->analysis.after_greeting_ms)
        reading_fail(r, raw->analysis.total ? raw->analysis.total : raw->analysis.after_greeting,
                     "analysis: total is shorter than after_greeting");
    read_verdict(r);
}

static void read_pacing(struct reading *r)
{
    static const struct reading_word modes[] = {{"progressive", PACING_PROGRESSIVE},
                                                {"ratio", PACING_RATIO},
                                                {"agentless", PACING_AGENTLESS},
                                                {"predictive", PACING_PREDICTIVE},
                                                {"preview", PACING_PREVIEW}};
    const struct raw_campaign *raw = r->raw;
    struct campaign *c = r->campaign;

    c->pacing.mode =
        (enum pacing_mode)reading_word(r, "pacing: mode", raw->pacing.mode, modes, PACING_MODES,
                                       raw->agents_count ? PACING_PROGRESSIVE : PACING_AGENTLESS);
    reading_double(r, "pacing: ratio", raw->pacing.ratio, 1, 10, &c->pacing.ratio);
    reading_double(r, "pacing: calls_per_second", raw->pacing.calls_per_second, 0, 10000,
                   &c->pacing.calls_per_second);
    reading_double(r, "pacing: engine_calls_per_second", raw->pacing.engine_calls_per_second, 0,
                   10000, &c->pacing.engine_calls_per_second);
    reading_u32(r, "pacing: concurrent", raw->pacing.concurrent, 0, 100000, &c->pacing.concurrent);
    reading_bool(r, "pacing: daily", raw->pacing.daily, &c->pacing.daily);
    reading_double(r, "pacing: false_machines", raw->pacing.false_machines, 0, 50,
                   &c->pacing.false_machines);
    reading_duration(r, "pacing: hang_up_at", raw->pacing.hang_up_at, 5000, 120000,
                     &c->pacing.hang_up_at_ms);
    reading_duration(r, "pacing: preview_time", raw->pacing.preview_time, 1000, 3600000,
                     &c->pacing.preview_ms);
    reading_duration(r, "pacing: skip_for", raw->pacing.skip_for, 1000, 86400000,
                     &c->pacing.skip_ms);
    if (!r->failed && c->pacing.mode != PACING_PREVIEW &&
        (raw->pacing.preview_time || raw->pacing.skip_for))
        reading_fail(r, raw->pacing.mode,
                     "pacing: preview_time and skip_for are for 'mode: preview'; the mode is %s",
                     pacing_mode_name(c->pacing.mode));
    if (!r->failed && c->pacing.mode != PACING_PREDICTIVE &&
        (raw->pacing.daily || raw->pacing.hang_up_at))
        reading_fail(r, raw->pacing.mode,
                     "pacing: daily and hang_up_at are for 'mode: predictive'; the mode is %s",
                     pacing_mode_name(c->pacing.mode));
    if (!r->failed && raw->pacing.ratio && c->pacing.mode != PACING_RATIO)
        reading_fail(r, raw->pacing.ratio, "pacing: ratio is for 'mode: ratio'; the mode is %s",
                     pacing_mode_name(c->pacing.mode));
    if (!r->failed && c->pacing.mode == PACING_AGENTLESS && c->pacing.calls_per_second <= 0 &&
        c->pacing.engine_calls_per_second <= 0 && c->pacing.concurrent == 0)
        reading_fail(r, raw->pacing.mode,
                     "pacing: a campaign without agents needs calls_per_second or concurrent");
    if (!r->failed && c->pacing.mode != PACING_AGENTLESS && c->agent_count == 0)
        reading_fail(r, raw->pacing.mode, "pacing: mode %s needs agents",
                     pacing_mode_name(c->pacing.mode));
}

static void read_recording(struct reading *r)
{
    static const struct reading_word formats[] = {{"wav", RECORD_WAV}, {"opus", RECORD_OPUS}};
    const struct raw_campaign *raw = r->raw;
    struct campaign *c = r->campaign;
    struct record_settings *how = &c->recording.how;
    const char *mask = raw->recording.mask_key;

    reading_path(r, "recording: dir", raw->recording.dir, c->recording.dir,
                 sizeof(c->recording.dir));
    how->format = (enum media_record_format)reading_word(
        r, "recording: format", raw->recording.format, formats, 2, RECORD_WAV);
    reading_u32(r, "recording: bitrate", raw->recording.bitrate, RECORD_BITRATE_MIN,
                RECORD_BITRATE_MAX, &how->bitrate);
    reading_duration(r, "recording: prebuffer", raw->recording.prebuffer, 0,
                     RECORD_PREBUFFER_MAX_MS, &how->prebuffer_ms);
    reading_u32(r, "recording: keep_days", raw->recording.keep_days, 1, RECORD_KEEP_DAYS_MAX,
                &how->keep_days);
    if (mask && (strlen(mask) != 1 || !strchr("0123456789*#ABCD", mask[0])))
        reading_fail(r, mask,
                     "recording: mask_key: '%.20s' is not accepted; accepted: one key, "
                     "0-9 * #",
                     mask);
    else if (mask)
        how->mask_key = mask[0];
    reading_path(r, "recording: key_file", raw->recording.key_file, how->key_file,
                 sizeof(how->key_file));
    reading_text(r, "recording: key_command", raw->recording.key_command, how->key_command,
                 sizeof(how->key_command));
    if (how->key_file[0] && how->key_command[0])
        reading_fail(r, raw->recording.key_command,
                     "recording: key_file and key_command are both given; one is accepted");
}

/* What agents and supervisors may do on the telephone. */
static void read_desk(struct reading *r)
{
    const struct raw_campaign *raw = r->raw;
    struct campaign *c = r->campaign;
    const char *key = raw->hold.key, *pin = raw->supervision.pin;

    reading_path(r, "hold: music", raw->hold.music, c->hold.music, sizeof(c->hold.music));
    reading_path(r, "hold: ringback", raw->hold.ringback, c->hold.ringback,
                 sizeof(c->hold.ringback));
    reading_sound(r, "hold: music", raw->hold.music, c->hold.music);
    reading_sound(r, "hold: ringback", raw->hold.ringback, c->hold.ringback);
    if (key && (strlen(key) != 1 || !strchr("0123456789*#", key[0])))
        reading_fail(r, key, "hold: key is '%s'; it must be one key of a telephone: 0-9, * or #",
                     key);
    else if (key && key[0] == c->recording.how.mask_key)
        reading_fail(r, key, "hold: key is '%s', which is recording's mask_key; give another", key);
    else if (key)
        c->hold.key = key[0];
    if (!pin)
        return;
    size_t len = strlen(pin);

    if (len < 4 || len >= sizeof(c->supervision.pin) || strspn(pin, "0123456789") != len)
        reading_fail(r, pin, "supervision: pin must be 4 to 16 digits, in quotes");
    else
        memcpy(c->supervision.pin, pin, len + 1);
}

static void read_policy(struct reading *r)
{
    static const struct reading_word modes[] = {
        {"off", RECORDING_OFF}, {"agent", RECORDING_AGENT}, {"all", RECORDING_ALL}};
    static const struct reading_word drains[] = {{"finish", DRAIN_FINISH},
                                                 {"hangup", DRAIN_HANGUP}};
    const struct raw_campaign *raw = r->raw;
    struct campaign *c = r->campaign;

    reading_u32(r, "attempts", raw->attempts, 1, 100, &c->attempts);
    reading_duration(r, "abandonment: limit", raw->abandonment.limit, 0, 60000,
                     &c->abandonment.limit_ms);
    reading_path(r, "abandonment: message", raw->abandonment.message, c->abandonment.message,
                 sizeof(c->abandonment.message));
    reading_sound(r, "abandonment: message", raw->abandonment.message, c->abandonment.message);
    reading_double(r, "abandonment: cap", raw->abandonment.cap, 0, 100,
                   &c->abandonment.cap_percent);
    reading_u32(r, "abandonment: keep_days", raw->abandonment.keep_days, 31, 4000,
                &c->abandonment.keep_days);
    reading_duration(r, "abandonment: lock_out", raw->abandonment.lock_out, 0,
                     45 * 1440 * MINUTE_MS, &c->abandonment.lock_out_ms);
    c->recording.mode = (enum recording_mode)reading_word(r, "recording: mode", raw->recording.mode,
                                                          modes, 3, RECORDING_OFF);
    read_recording(r);
    read_desk(r);
    reading_name(r, "records: stream", raw->records.stream, c->records.stream,
                 sizeof(c->records.stream));
    reading_u32(r, "records: keep", raw->records.keep, 1, 10000000, &c->records.keep);
    c->drain = (enum drain_mode)reading_word(r, "drain", raw->drain, drains, 2, DRAIN_FINISH);
    reading_path(r, "leads", raw->leads, c->leads, sizeof(c->leads));
    reading_lists(r);
    reading_path(r, "prints", raw->prints, c->prints, sizeof(c->prints));
}

/* The command's words are judged here: a mistake in it must not wait for the first call. */
static void read_flows(struct reading *r)
{
    const struct raw_campaign *raw = r->raw;
    struct campaign_flows *f = &r->campaign->flows;
    bool ahead = true;

    reading_name(r, "flows: language", raw->flows.language, f->language, sizeof(f->language));
    reading_text(r, "flows: http", raw->flows.http, f->http, sizeof(f->http));
    reading_text(r, "flows: speech", raw->flows.speech, f->speech, sizeof(f->speech));
    if (f->speech[0] && (!strstr(f->speech, "{file}") || !strstr(f->speech, "{text}")))
        reading_fail(r, raw->flows.speech,
                     "flows: speech: a command is expected here that has {file} and {text}, as in "
                     "\"espeak-ng -v {lang} -w {file} -- {text}\"");
    reading_u32(r, "flows: speech_processes", raw->flows.speech_processes, 1, CAMPAIGN_SPEAKERS_MAX,
                &f->speech_processes);
    reading_bool(r, "flows: speech_ahead", raw->flows.speech_ahead, &ahead);
    f->speech_on_demand = !ahead;
}

static void set_paths(struct campaign *c, const char *path)
{
    const char *slash = strrchr(path, '/');

    snprintf(c->path, sizeof(c->path), "%s", path);
    if (slash)
        snprintf(c->folder, sizeof(c->folder), "%.*s", (int)(slash - path), path);
    if (slash == path)
        snprintf(c->folder, sizeof(c->folder), "/.");
}

static void read_all(struct reading *r)
{
    read_place(r);
    if (r->failed)
        return; /* what follows stands on the country and the zone */
    read_dates(r);
    read_calling(r);
    reading_addresses(r);
    reading_trunks(r);
    reading_agents(r);
    read_analysis(r);
    read_pacing(r);
    read_policy(r);
    reading_treatments(r);
    if (!r->failed)
        reading_rules(r);
    reading_network(r);
    read_flows(r);
}

static enum err parse(struct campaign **out, const char *path, struct slice text, bool reads_files,
                      char *error)
{
    struct schema *schema = NULL;
    struct reading r = {.path = path, .error = error, .files_stay_closed = !reads_files};

    *out = NULL;
    error[0] = '\0';
    if (strlen(path) >= CAMPAIGN_PATH_MAX) {
        snprintf(error, CAMPAIGN_ERROR_MAX, "%.200s…: the path is too long", path);
        return ERR_TOO_LONG;
    }
    enum err e = schema_read(&schema, path, text, error);
    r.campaign = e ? NULL : calloc(1, sizeof(*r.campaign));
    if (!e && !r.campaign)
        e = ERR_NOMEM;
    if (!e) {
        r.document = schema_document(schema);
        r.raw = schema_raw(schema);
        set_paths(r.campaign, path);
        memcpy(r.folder, r.campaign->folder, sizeof(r.folder));
        set_defaults(r.campaign);
        read_all(&r);
        e = r.failed ? ERR_INVALID : OK;
    }
    schema_close(schema);
    if (e) {
        campaign_free(r.campaign);
        return e;
    }
    *out = r.campaign;
    return OK;
}

enum err campaign_parse(struct campaign **out, const char *path, struct slice text, char *error)
{
    return parse(out, path, text, false, error);
}

enum err campaign_read_file(const char *path, const char *what, uint32_t max, char **text,
                            uint32_t *len, char *error)
{
    *text = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        snprintf(error, CAMPAIGN_ERROR_MAX, "%.500s: cannot open %s: %s", path, what,
                 strerror(errno));
        return ERR_NOT_FOUND;
    }
    char *bytes = malloc((size_t)max + 1);
    size_t n = 0;
    ssize_t got = 0;
    while (bytes && n <= max && (got = read(fd, bytes + n, (size_t)max + 1 - n)) > 0)
        n += (size_t)got;
    enum err e = bytes ? OK : ERR_NOMEM;
    if (!e && got < 0)
        e = ERR_IO;
    if (!e && n > max)
        e = ERR_TOO_LONG;
    if (e == ERR_TOO_LONG)
        snprintf(error, CAMPAIGN_ERROR_MAX, "%.500s: cannot read %s: longer than %u KiB", path,
                 what, max / 1024);
    else if (e)
        snprintf(error, CAMPAIGN_ERROR_MAX, "%.500s: cannot read %s: %s", path, what,
                 strerror(errno));
    close(fd);
    if (e) {
        free(bytes);
        return e;
    }
    *text = bytes;
    *len = (uint32_t)n;
    return OK;
}

enum err campaign_load(struct campaign **out, const char *path, char *error)
{
    char *text;
    uint32_t len;
    enum err e =
        campaign_read_file(path, "the campaign file", CAMPAIGN_FILE_MAX, &text, &len, error);

    *out = NULL;
    if (e)
        return e;
    e = parse(out, path, slice_of(text, len), true, error);
    free(text);
    return e;
}

void campaign_free(struct campaign *c)
{
    if (!c)
        return;
    for (uint32_t i = 0; i < c->trunk_count; i++) {
        if (c->trunks[i].caller_ids != (const char *const *)c->caller_ids)
            free((void *)c->trunks[i].caller_ids);
    }
    free(c->caller_ids);
    for (uint32_t i = 0; i < c->owned_count; i++)
        free(c->owned[i]);
    free(c->owned);
    free(c->agents);
    for (uint32_t i = 0; i < c->zone_candidate_count; i++)
        zone_close(c->zone_candidates[i]);
    zone_close(c->zone);
    free(c->holidays);
    free(c->recordings);
    free(c->outcomes);
    calling_free(c->calling);
    calling_free(c->exceptions);
    free(c);
}

static bool readable(const char *path, const char *what, char *error)
{
    if (!path[0] || access(path, R_OK) == 0)
        return true;
    snprintf(error, CAMPAIGN_ERROR_MAX, "%.400s: %s: %s", path, what, strerror(errno));
    return false;
}

enum err campaign_check_files(const struct campaign *c, char *error)
{
    _Static_assert(CAMPAIGN_ERROR_MAX >= DSP_PLAN_ERROR_MAX, "a plan's complaint is passed on");
    const struct dsp_plan *plan;
    char what[96];

    if (dsp_plan_is_file(c->tone_plan)) {
        enum err e = dsp_plan_open(c->tone_plan, &plan, error);
        if (e != OK)
            return e;
    }

    if (!readable(c->leads, "cannot read the leads", error) ||
        !readable(c->prints, "cannot read the library of known recordings", error))
        return ERR_NOT_FOUND;
    for (uint32_t i = 0; i < c->list_count; i++) {
        snprintf(what, sizeof(what), "cannot read the leads of list '%s'", c->lists[i].name);
        if (!readable(c->lists[i].file, what, error))
            return ERR_NOT_FOUND;
    }
    for (int i = 0; i < RESULT_COUNT; i++) {
        if (c->on[i].kind != TREAT_FLOW)
            continue;
        snprintf(what, sizeof(what), "cannot read the %s for '%s'", treatment_name(c->on[i].kind),
                 result_name((enum result)i));
        if (!readable(c->on[i].file, what, error))
            return ERR_NOT_FOUND;
    }
    return campaign_check_sounds(c, error);
}
