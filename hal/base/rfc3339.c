#include "hal/base/rfc3339.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR };

static const int64_t latest_ms = INT64_C(253402300799999); /* 9999-12-31T23:59:59.999Z */

/* Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil. */
int64_t civil_days(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

/* Writes `places` digits and the character that follows them; returns the end. */
static char *put(char *to, int64_t value, int places, char next)
{
    for (int i = places - 1; i >= 0; i--, value /= 10)
        to[i] = (char)('0' + value % 10);
    to[places] = next;
    return to + places + 1;
}

void rfc3339_format(int64_t ms, char text[static RFC3339_TEXT + 1])
{
    if (ms < 0)
        ms = 0;
    if (ms > latest_ms)
        ms = latest_ms;
    int64_t days = ms / DAY;
    int64_t rest = ms % DAY;
    int64_t z = days + 719468; /* civil_from_days of the same paper */
    int64_t era = z / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    int64_t day = doy - (153 * mp + 2) / 5 + 1;
    int64_t month = mp < 10 ? mp + 3 : mp - 9;
    int64_t year = yoe + era * 400 + (month <= 2);
    text = put(text, year, 4, '-');
    text = put(text, month, 2, '-');
    text = put(text, day, 2, 'T');
    text = put(text, rest / HOUR, 2, ':');
    text = put(text, rest / MINUTE % 60, 2, ':');
    text = put(text, rest / SECOND % 60, 2, '.');
    text = put(text, rest % SECOND, 3, 'Z');
    *text = '\0';
}

struct cursor {
    const char *at;
    const char *end;
    bool bad;
};

static int number(struct cursor *c, int width)
{
    int value = 0;
    for (int i = 0; i < width; i++) {
        if (c->at == c->end || *c->at < '0' || *c->at > '9') {
            c->bad = true;
            return 0;
        }
        value = value * 10 + (*c->at++ - '0');
    }
    return value;
}

static void expect(struct cursor *c, char lower, char upper)
{
    if (c->at == c->end || (*c->at != lower && *c->at != upper))
        c->bad = true;
    else
        c->at++;
}

static int fraction_ms(struct cursor *c)
{
    if (c->at == c->end || *c->at != '.')
        return 0;
    c->at++;
    int ms = 0;
    int count = 0;
    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++, count++)
        if (count < 3)
            ms = ms * 10 + (*c->at - '0');
    if (count == 0 || count > 9)
        c->bad = true;
    for (; count < 3; count++)
        ms *= 10;
    return ms;
}

static int64_t offset_ms(struct cursor *c)
{
    if (c->at < c->end && (*c->at == '+' || *c->at == '-')) {
        int sign = *c->at++ == '-' ? -1 : 1;
        int hours = number(c, 2);
        expect(c, ':', ':');
        int minutes = number(c, 2);
        if (hours > 23 || minutes > 59)
            c->bad = true;
        return sign * ((int64_t)hours * HOUR + (int64_t)minutes * MINUTE);
    }
    expect(c, 'z', 'Z');
    return 0;
}

static int days_of_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

enum err rfc3339_parse(struct slice text, int64_t *ms)
{
    struct cursor c = {text.data, text.data + text.len, false};
    int year = number(&c, 4);
    expect(&c, '-', '-');
    int month = number(&c, 2);
    expect(&c, '-', '-');
    int day = number(&c, 2);
    expect(&c, 't', 'T');
    int hour = number(&c, 2);
    expect(&c, ':', ':');
    int minute = number(&c, 2);
    expect(&c, ':', ':');
    int second = number(&c, 2);
    int millis = fraction_ms(&c);
    int64_t offset = offset_ms(&c);
    if (c.bad || c.at != c.end || month < 1 || month > 12 || day < 1 ||
        day > days_of_month(year, month) || hour > 23 || minute > 59 || second > 60)
        return ERR_INVALID;
    if (second == 60)
        second = 59;
    *ms = civil_days(year, month, day) * DAY + (int64_t)hour * HOUR + (int64_t)minute * MINUTE +
          (int64_t)second * SECOND + millis - offset;
    return ERR_OK;
}
