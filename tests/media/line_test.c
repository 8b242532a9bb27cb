/* What a leg hears of its line: that nothing comes back of what it plays, echo of it, and comfort
 * noise that packets describe. */
#include <criterion/criterion.h>
#include <sys/socket.h>
#include <unistd.h>

#include "media/rtp.h"
#include "media_kit.h"

/* A tone with a pause every second: sound that has a rhythm. */
static void play(struct heard_leg *h)
{
    struct media_tone t = {
        .freq_hz = {700, 0}, .level_ddb = -150, .on_ms = 600, .off_ms = 400, .total_ms = 30000};

    cr_assert_eq(media_leg_tone(h->leg, &t, 1), OK);
}

static const struct dsp_event *wait_for(struct kit *k, const struct heard_leg *h,
                                        enum dsp_kind kind, uint64_t limit_ms)
{
    for (uint64_t end = kit_now_ms() + limit_ms; kit_now_ms() < end; loop_turn(&k->loop, 5000))
        for (uint32_t i = 0; i < h->heard && i < KIT_HEARD; i++)
            if (h->event[i].kind == kind)
                return &h->event[i];
    return NULL;
}

Test(line, a_far_end_that_sends_zeros_is_one_way)
{
    struct heard_leg a, b;
    struct kit k;

    kit_open(&k, 1);
    kit_pair(&k, &a, &b, MEDIA_PCMA);
    media_leg_phase(a.leg, DSP_TALK);
    media_leg_phase(b.leg, DSP_TALK);
    play(&a);
    const struct dsp_event *e = wait_for(&k, &a, DSP_ONE_WAY, 20000);

    cr_assert_not_null(e);
    cr_expect_str_eq(dsp_detail_name(DSP_ONE_WAY, e->detail), "zeros");
    cr_expect_lt(abs(e->level_ddb + 150), 20, "%d", e->level_ddb);
    cr_expect_null(wait_for(&k, &b, DSP_ONE_WAY, 1), "the silent side sends nothing");
    kit_close_pair(&k, &a, &b);
    kit_close(&k);
}

/* RFC 3389: 13 and the noise's level below full scale. */
Test(line, packets_of_comfort_noise_are_told_and_are_no_loss)
{
    struct addr addr;
    socklen_t len = sizeof(addr.in6);
    struct heard_leg h;
    struct kit k;

    memset(&addr, 0, sizeof(addr));
    cr_assert_eq(addr_from_host(SLICE("127.0.0.1"), 0, &addr), OK);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    cr_assert_eq(bind(fd, &addr.sa, addr_len(&addr)), 0);
    getsockname(fd, &addr.sa, &len);
    kit_open(&k, 1);
    kit_leg(&k, &h, true);
    struct media_remote r = kit_remote(&addr, MEDIA_PCMU);

    cr_assert_eq(media_leg_set_remote(h.leg, &r), OK);
    media_leg_phase(h.leg, DSP_ANSWERED);
    const struct dsp_event *e = NULL;

    for (uint16_t seq = 0; seq < 200 && !e; seq++) {
        uint8_t p[172];
        bool audio = seq < 5;

        rtp_write_header(p, audio ? 0 : 13, false, seq, audio ? seq * 160u : 800 + (seq - 5) * 800u,
                         77);
        memset(p + 12, audio ? 0x55 : 0x46, 160);
        sendto(fd, p, audio ? 172 : 13, 0, &media_leg_local(h.leg)->sa,
               addr_len(media_leg_local(h.leg)));
        kit_run_ms(&k, audio ? 20 : 100);
        e = wait_for(&k, &h, DSP_NOISE, 1);
    }
    cr_assert_not_null(e);
    cr_expect_str_eq(dsp_detail_name(DSP_NOISE, e->detail), "described");
    kit_close_leg(&k, &h);
    /* Those before the first of them at most; else five after each. */
    cr_expect_lt(h.stats.concealed, 20, "%lu", (unsigned long)h.stats.concealed);
    kit_close(&k);
    close(fd);
}
