/* peal-sim import: a capture or a recording as scripts and media that can be edited and replayed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "media/capture.h"
#include "sim/import.h"
#include "sim/options.h"
#include "sim/sim.h"

#define PROGRAM "peal-sim import"

struct arguments {
    const char *out, *number, *caller;
    bool quiet;
};

static void on_say(void *arg, const char *text)
{
    fprintf(stderr, PROGRAM ": %s: %s\n", (const char *)arg, text);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static void say(const struct arguments *a, const char *path, const struct import_report *r)
{
    printf("peal-sim import: %s: %u calls (%u answered, %u refused, %u given up by the caller, %u "
           "cut off), %llu RTP packets; %s\n",
           path, r->calls, r->answered, r->refused, r->cancelled, r->cut,
           (unsigned long long)r->rtp, a->out);
    printf("  peal-sim replay %s --to HOST:PORT              # its callers\n"
           "  peal-sim replay %s --listen HOST:PORT          # its callees\n",
           a->out, a->out);
}

static int import_mapped(const struct arguments *a, const char *path, const uint8_t *p, size_t len)
{
    struct import_config config = {
        .out = a->out, .source = base_name(path), .number = a->number, .caller = a->caller};
    struct import_report report;
    char error[IMPORT_PATH_MAX + 128] = "";
    bool is_wav = len >= 12 && memcmp(p, "RIFF", 4) == 0;
    bool ok = is_wav
                  ? import_wav(p, len, &config, &report, error)
                  : import_bytes(p, len, &config, &report, on_say, (void *)(uintptr_t)path, error);

    if (!ok) {
        fprintf(stderr, PROGRAM ": %s: %s\n", path, error);
        return SIM_CONFIG;
    }
    if (!a->quiet)
        say(a, path, &report);
    return SIM_PASS;
}

static int import_file(const struct arguments *a, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st = {.st_size = 0};
    void *p = MAP_FAILED;
    int rc = SIM_CONFIG;

    if (fd < 0 || fstat(fd, &st) != 0) {
        fprintf(stderr, PROGRAM ": %s: %s\n", path, strerror(errno));
    } else if (!S_ISREG(st.st_mode) || st.st_size == 0) {
        fprintf(stderr, PROGRAM ": %s: it is %s\n", path,
                S_ISREG(st.st_mode) ? "empty" : "no file");
    } else {
        p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (p == MAP_FAILED)
            fprintf(stderr, PROGRAM ": %s: %s\n", path, strerror(errno));
        else
            rc = import_mapped(a, path, p, (size_t)st.st_size);
    }
    if (p != MAP_FAILED)
        munmap(p, (size_t)st.st_size);
    if (fd >= 0)
        close(fd);
    return rc;
}

int sim_import(int argc, char **argv)
{
    struct arguments a = {.number = "+12025550101", .caller = "+12025550100"};
    const struct option_row rows[] = {
        {"out",
         "DIR",
         "where callers/, callees/, media/, calls.csv and mix.yaml are written",
         OPTION_TEXT,
         {.text = &a.out},
         0,
         true},
        {"number",
         "NUMBER",
         "whom the call in a recording (WAV) is to (+12025550101)",
         OPTION_TEXT,
         {.text = &a.number},
         0,
         false},
        {"caller",
         "NUMBER",
         "who makes it (+12025550100)",
         OPTION_TEXT,
         {.text = &a.caller},
         0,
         false},
        {"quiet", NULL, "say nothing but what is wrong", OPTION_FLAG, {.flag = &a.quiet}, 0, false},
    };
    const struct options options = {
        PROGRAM,
        "calls of a capture (pcap, pcapng) or a recording (WAV) as scripts and media to replay",
        "CAPTURE",
        "  tcpdump -i any -w calls.pcap udp or tcp port 5060\n"
        "  peal-sim import calls.pcap --out out/calls\n"
        "  peal-sim replay out/calls --to 127.0.0.1:5070\n"
        "  peal-sim import call.wav --out out/call      # left: the callee, right: the caller\n",
        rows,
        sizeof rows / sizeof *rows,
    };
    int rest;
    int code = options_parse(&options, argc, argv, &rest);

    if (code != OPTIONS_GO_ON)
        return code;
    if (rest != 1) {
        fprintf(stderr, PROGRAM ": one capture is imported at a time, %d were given\n", rest);
        return SIM_CONFIG;
    }
    return import_file(&a, argv[1]);
}
