/* SRTP and SRTCP from anywhere. The first byte chooses suite, MKI and kind; the rest is a packet.
 * Bytes nobody sealed never pass, and are left as they were; the same bytes sealed by us and
 * opened again are the same, once. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "media/srtp.h"

#define ROOM 2048

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct srtp far_end, near_end;
static uint8_t p[ROOM + SRTCP_TRAILER_MAX];

static void unseal_raw(uint8_t *bytes, uint32_t len, int rtcp)
{
    uint8_t was[ROOM];
    uint32_t n = len;

    memcpy(was, bytes, len);
    enum srtp_verdict v =
        rtcp ? srtcp_unseal(&near_end, bytes, &n) : srtp_unseal(&near_end, bytes, &n);

    assert(v == SRTP_MALFORMED || v == SRTP_FORGED);
    assert(n == len && memcmp(was, bytes, len) == 0);
}

static void there_and_back(const uint8_t *bytes, uint32_t len, int rtcp)
{
    uint8_t again[ROOM + SRTCP_TRAILER_MAX];
    uint32_t n = len;

    memcpy(p, bytes, len);
    enum srtp_verdict v = rtcp ? srtcp_seal(&far_end, p, &n) : srtp_seal(&far_end, p, &n);

    if (v) {
        assert(v == SRTP_MALFORMED && n == len && memcmp(p, bytes, len) == 0);
        return;
    }
    uint32_t sealed = n;

    memcpy(again, p, n);
    v = rtcp ? srtcp_unseal(&near_end, p, &n) : srtp_unseal(&near_end, p, &n);
    assert(v == SRTP_GOOD && n == len && memcmp(p, bytes, len) == 0);
    v = rtcp ? srtcp_unseal(&near_end, again, &sealed) : srtp_unseal(&near_end, again, &sealed);
    assert(v == SRTP_REPLAYED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct srtp_key key = {.salt = {1, 2, 3}, .key = {4, 5, 6}};

    if (size < 1 || size > ROOM)
        return 0;
    int rtcp = data[0] & 4;
    uint8_t *raw = (uint8_t *)(uintptr_t)(data + 1); /* put back before we return */
    uint32_t len = (uint32_t)size - 1;

    key.suite = (enum srtp_suite)(data[0] & 3);
    key.mki_bytes = (data[0] >> 3) % (SRTP_MKI_SENT_MAX + 1);
    key.mki[0] = data[0];
    assert(srtp_begin(&far_end, &key) == OK && srtp_begin(&near_end, &key) == OK);
    there_and_back(data + 1, len, rtcp);
    srtp_end(&near_end);
    key.mki_bytes = data[0] >> 3;
    assert(srtp_begin(&near_end, &key) == OK);
    memcpy(p, raw, len);
    unseal_raw(p, len, rtcp);
    srtp_end(&near_end);
    srtp_end(&far_end);
    return 0;
}
