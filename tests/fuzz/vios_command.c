// SPDX-License-Identifier: Apache-2.0
// Fuzz target: lines of commands for a Virtual I/O Server whose database is in memory, and keys typed at its shell.
#include <stdlib.h>
#include <string.h>

#include "vios/admin/ios.h"

static int attach(void *context, u32 slot, u32 target, bool optical, const struct ios_backing *backing, char *why)
{
    if (slot != 14 || !target || target >= IOS_TARGETS_MAX)
        abort();
    for (u32 i = 0; backing && i < backing->extents_len; i++)
        if (!backing->extents[i].size || !*backing->extents[i].path)
            abort();
    return 0;
}

static void see(void *context, const char *text, size_t len) {}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static const struct ios_effects effects = {.attach = attach};
    static const char *const volumes[] = {"/nowhere"};
    struct ios_config config = {.type_model = "9009-42A",
                                .serial = "1234567",
                                .name = "vios",
                                .lpar_id = 1,
                                .volumes = volumes,
                                .volumes_len = 1,
                                .effects = &effects};
    char why[IOS_WHY_MAX];
    struct ios *ios = ios_open(&config, why);
    if (!ios)
        abort();
    ios_adapter_added(ios, &(struct ios_adapter){.kind = IOS_SCSI, .slot = 14, .client = 3, .client_slot = 2});
    ios_adapter_added(ios, &(struct ios_adapter){.kind = IOS_ETHERNET, .slot = 4, .pvid = 1});
    for (size_t at = 0; at < size;) {
        const u8 *end = memchr(data + at, '\n', size - at);
        size_t len = end ? (size_t)(end - data) - at : size - at;
        char *line = malloc(len + 1);
        struct ios_out out = {0};
        memcpy(line, data + at, len);
        line[len] = 0;
        ios_run_line(ios, "fuzz", line, &out);
        if ((out.out.text && strlen(out.out.text) > out.out.size) ||
            (out.err.text && strlen(out.err.text) != out.err.len))
            abort();
        ios_out_fini(&out);
        free(line);
        at += len + 1;
    }
    struct ios_shell *shell = ios_shell_new(ios, "fuzz", see, NULL);
    ios_shell_input(shell, data, size);
    ios_shell_free(shell);
    ios_attach_all(ios, IOS_ANY);
    ios_close(ios);
    return 0;
}
