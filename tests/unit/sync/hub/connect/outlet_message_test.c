#include "sync/hub/connect/outlet_message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ID "01935a10-7c3d-7102-8102-000000000102"
#define NOW_MS INT64_C(1795342272000)

static const char event[] =
    "{\"specversion\":\"1.0\",\"id\":\"" ID "\",\"source\":\"/store/0042/device/a b\","
    "\"type\":\"com.tillback.return.created.v1\",\"subject\":\"return/x\","
    "\"time\":\"2026-11-22T10:10:05.345Z\",\"datacontenttype\":\"application/json\","
    "\"correlationid\":\"01935a10-7c3d-7100-8100-000000000100\",\"sequence\":\"0000000001\","
    "\"bootid\":\"b2c7ad05-6b0f-4b8e-8a52-3f0f6a1d7c11\",\"monotonicms\":\"4\","
    "\"timetrusted\":true,\"data\":{\"number\":\"R-1\",\"refund\":{\"total\":333},\"secret\":1}}";

static const char *header(const struct outlet_message *message, const char *name)
{
    for (size_t i = 0; i < message->request.header_count; i++)
        if (strcmp(message->request.headers[i].name, name) == 0)
            return message->request.headers[i].value;
    return NULL;
}

static struct outlet_field fields[] = {
    {"return", "number"}, {"total", "refund.total"}, {"gone", "refund.total.deeper"}};

static struct outlet_config outlet(int mode)
{
    return (struct outlet_config){.name = "crm",
                                  .url = "https://crm.example.com/",
                                  .mode = mode,
                                  .fields = fields,
                                  .field_count = 3,
                                  .secret = {.len = 24}};
}

static void write(struct outlet_message *message, const struct outlet_config *config)
{
    outlet_message_init(message);
    assert_int_equal(outlet_message_write(message, config, slice_of(event), NOW_MS, NULL), ERR_OK);
}

static void binary_mode_has_attributes_in_headers_and_bare_data(void **state)
{
    (void)state;
    struct outlet_message message;
    const struct outlet_config config = outlet(OUTLET_BINARY);
    write(&message, &config);
    assert_string_equal(header(&message, "ce-id"), ID);
    assert_string_equal(header(&message, "ce-specversion"), "1.0");
    assert_string_equal(header(&message, "ce-source"), "/store/0042/device/a%20b");
    assert_string_equal(header(&message, "ce-time"), "2026-11-22T10:10:05.345Z");
    assert_string_equal(header(&message, "Content-Type"), "application/json");
    assert_true(slice_is(message.request.body, "{\"return\":\"R-1\",\"total\":333}"));
    outlet_message_free(&message);
}

static void structured_mode_is_one_document(void **state)
{
    (void)state;
    struct outlet_message message;
    const struct outlet_config config = outlet(OUTLET_STRUCTURED);
    write(&message, &config);
    assert_null(header(&message, "ce-id"));
    assert_non_null(strstr(header(&message, "Content-Type"), "application/cloudevents+json"));
    assert_non_null(strstr(message.body.data, "\"id\":\"" ID "\""));
    assert_non_null(strstr(message.body.data, "\"data\":{\"return\":\"R-1\",\"total\":333}}"));
    assert_null(strstr(message.body.data, "secret"));
    outlet_message_free(&message);
}

static void receiver_can_verify_it_and_know_it_again(void **state)
{
    (void)state;
    struct outlet_message message;
    const struct outlet_config config = outlet(OUTLET_STRUCTURED);
    write(&message, &config);
    const struct webhook webhook = {header(&message, "webhook-id"),
                                    header(&message, "webhook-timestamp"),
                                    header(&message, "webhook-signature"), message.request.body};
    assert_int_equal(webhook_verify(&config.secret, &webhook, NOW_MS, NULL), ERR_OK);
    assert_string_equal(webhook.id, ID);
    assert_string_equal(header(&message, "Idempotency-Key"), ID "/crm");
    outlet_message_free(&message);
}

static void all_data_goes_out_where_no_fields_are_chosen(void **state)
{
    (void)state;
    struct outlet_message message;
    struct outlet_config config = outlet(OUTLET_BINARY);
    config.field_count = 0;
    write(&message, &config);
    assert_true(slice_is(message.request.body,
                         "{\"number\":\"R-1\",\"refund\":{\"total\":333},\"secret\":1}"));
    outlet_message_free(&message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(binary_mode_has_attributes_in_headers_and_bare_data),
        cmocka_unit_test(structured_mode_is_one_document),
        cmocka_unit_test(receiver_can_verify_it_and_know_it_again),
        cmocka_unit_test(all_data_goes_out_where_no_fields_are_chosen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
