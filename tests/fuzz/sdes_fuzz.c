/* a=crypto from anywhere. What is taken must survive being written and read again. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "sip/sdes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[SDES_LINE_MAX];
    struct buf b = buf_on(text, sizeof(text));
    struct sdes_key key, again;
    const char *why;

    if (size > 4096)
        return 0;
    if (sdes_parse(slice_of((const char *)data, size), &key, &why) != OK) {
        assert(why);
        return 0;
    }
    assert(key.tag <= SDES_TAG_MAX && (unsigned)key.suite < SDES_SUITES && !why);
    sdes_write(&b, &key);
    assert(buf_end(&b) == OK);
    struct slice line = buf_slice(&b);

    assert(sdes_parse(slice_of(line.p + 9, line.len - 11), &again, NULL) == OK);
    assert(again.tag == key.tag && again.suite == key.suite && again.mki_bytes == key.mki_bytes &&
           again.mki == key.mki);
    assert(memcmp(again.bytes, key.bytes, sdes_bytes(key.suite)) == 0);
    return 0;
}
