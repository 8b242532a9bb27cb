/* Standard input as a list: bytes are taken when there are some, and the loop turns meanwhile, so a
 * feeder may be silent for hours while Redis is kept and a signal is heard. JSON Lines begin with
 * "{", which no header of CSV does. */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "dialer/import_internal.h"

/* Negative with errno (ECANCELED: a stop), 0 at the end. */
static int64_t read_when_there(struct import_input *input, char *dst, size_t cap)
{
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};

    for (;;) {
        if (import_stop_asked(input->import)) {
            errno = ECANCELED;
            return -1;
        }
        int n = poll(&in, 1, 0);

        if (n > 0) {
            int64_t got = read(STDIN_FILENO, dst, cap);
            if (got >= 0 || (errno != EINTR && errno != EAGAIN))
                return got;
        } else if (n < 0 && errno != EINTR) {
            return -1;
        }
        loop_turn(input->import->config->loop, IMPORT_TURN_US);
    }
}

static int64_t give(void *arg, char *dst, size_t cap)
{
    struct import_input *input = arg;
    size_t n = input->end - input->at;

    if (n == 0)
        return read_when_there(input, dst, cap);
    n = n < cap ? n : cap;
    memcpy(dst, input->first + input->at, n);
    input->at += n;
    return (int64_t)n;
}

enum err import_input_open(struct leads **out, struct import_input *input,
                           const struct number_country *home, char *error)
{
    const struct leads_source source = {.name = "standard input", .read = give, .arg = input};
    struct leads_source of_kind = source;

    while (!input->peeked) {
        int64_t got = read_when_there(input, input->first, sizeof(input->first));

        if (got < 0) {
            snprintf(error, LEADS_REASON_MAX, "standard input cannot be read: %s", strerror(errno));
            return ERR_IO;
        }
        input->end = (size_t)got;
        input->at = 0;
        while (input->at < input->end && strchr(" \t\r\n", input->first[input->at]))
            input->at++;
        input->peeked = got == 0 || input->at < input->end;
    }
    input->json = input->at < input->end && input->first[input->at] == '{';
    input->at = 0;
    of_kind.json = input->json;
    return leads_open_stream(out, &of_kind, home, error);
}
