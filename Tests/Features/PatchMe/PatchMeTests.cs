using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;

namespace Profiles.Tests.Features.PatchMe;

public sealed class PatchMeTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    const string MergePatch = "application/merge-patch+json";

    [Theory]
    [InlineData("/me")]
    [InlineData("/users/me")]
    [InlineData("/user/profile")]
    public async Task Sent_fields_change_null_clears_and_absent_ones_stay(string path)
    {
        var user = await app.CreateUserAsync("Jane");
        var username = Fresh();
        var filled = await (await PatchAsync(user, $$"""
            {"username":"{{username.ToUpperInvariant()}}","bio":"👩‍🚀 one\n\ttwo","phone":"+4915112345678",
            "birth_date":"1990-05-17","locale":"de-AT",
             "time_zone":"Europe/Vienna","metadata":{"theme":"dark"},"is_public":true}
            """, path: path)).ShouldBeAsync(HttpStatusCode.OK);
        filled.GetProperty("name").GetString().ShouldBe("Jane");
        filled.GetProperty("username").GetString().ShouldBe(username);
        var stored = (await StoredAsync(user)).Profile;
        (stored.Username, stored.Bio, stored.Phone, stored.BirthDate)
            .ShouldBe((username, "👩‍🚀 one\n\ttwo", "+4915112345678", new DateOnly(1990, 5, 17)));
        (stored.Locale, stored.TimeZone, stored.Metadata, stored.IsPublic, stored.Version)
            .ShouldBe(("de-AT", "Europe/Vienna", """{"theme":"dark"}""", true, 2));

        var response = await PatchAsync(user, """{"name":" Janet ","bio":null,"phone":null}""", path: path);
        var body = await response.ShouldBeAsync(HttpStatusCode.OK);
        body.GetProperty("name").GetString().ShouldBe("Janet");
        body.GetProperty("bio").ValueKind.ShouldBe(JsonValueKind.Null);
        var shown = await app.ClientFor(user).GetAsync("/me", Cancellation);
        JsonNode.DeepEquals(JsonNode.Parse(body.GetRawText()),
            JsonNode.Parse(await shown.Content.ReadAsStringAsync(Cancellation))).ShouldBeTrue();
        response.Headers.ETag.ShouldBe(shown.Headers.ETag);

        await (await PatchAsync(user,
            """{"username":null,"birth_date":null,"locale":null,"time_zone":null,"metadata":null,"is_public":null}""", path: path))
            .ShouldBeAsync(HttpStatusCode.OK);
        stored = (await StoredAsync(user)).Profile;
        (stored.Username, stored.Bio, stored.Phone, stored.BirthDate, stored.Locale, stored.TimeZone, stored.Metadata).ShouldBe(default);
        (stored.Name, stored.IsPublic).ShouldBe(("Janet", false));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"nickname":"x","user_id":1,"version":9,"image_url":"https://evil.example"}""")]
    public async Task A_patch_without_a_change_changes_nothing(string patch)
    {
        var user = await app.CreateUserAsync();
        var before = (await app.ClientFor(user).GetAsync("/me", Cancellation)).Headers.ETag;
        var response = await PatchAsync(user, patch);
        (await response.ShouldBeAsync(HttpStatusCode.OK)).GetProperty("name").GetString().ShouldBe(user.Name);
        response.Headers.ETag.ShouldBe(before);
        (await StoredAsync(user)).Profile.Version.ShouldBe(1);
    }

    // RFC 7396, Appendix A: target, patch and result, each as a member of the metadata.
    public static TheoryData<string, string, string?> Appendix => new()
    {
        { """{"a":"b"}""", """{"a":"c"}""", """{"a":"c"}""" },
        { """{"a":"b"}""", """{"b":"c"}""", """{"a":"b","b":"c"}""" },
        { """{"a":"b"}""", """{"a":null}""", "{}" },
        { """{"a":"b","b":"c"}""", """{"a":null}""", """{"b":"c"}""" },
        { """{"a":["b"]}""", """{"a":"c"}""", """{"a":"c"}""" },
        { """{"a":"c"}""", """{"a":["b"]}""", """{"a":["b"]}""" },
        { """{"a":{"b":"c"}}""", """{"a":{"b":"d","c":null}}""", """{"a":{"b":"d"}}""" },
        { """{"a":[{"b":"c"}]}""", """{"a":[1]}""", """{"a":[1]}""" },
        { """["a","b"]""", """["c","d"]""", """["c","d"]""" },
        { """{"a":"b"}""", """["c"]""", """["c"]""" },
        { """{"a":"foo"}""", "null", null },
        { """{"a":"foo"}""", "\"bar\"", "\"bar\"" },
        { """{"e":null}""", """{"a":1}""", """{"e":null,"a":1}""" },
        { "[1,2]", """{"a":"b","c":null}""", """{"a":"b"}""" },
        { "{}", """{"a":{"bb":{"ccc":null}}}""", """{"a":{"bb":{}}}""" },
    };

    [Theory]
    [MemberData(nameof(Appendix))]
    public async Task Metadata_is_merged_as_in_the_RFCs_own_examples(string target, string patch, string? result)
    {
        var user = await app.CreateUserAsync();
        // PUT stores a null as a value; a patch would delete the member.
        var put = await app.ClientFor(user).PutAsync("/me", new StringContent($$$"""{"metadata":{"kept":1.50,"x":{{{target}}}}}""",
            new MediaTypeHeaderValue("application/json")), Cancellation);
        await put.ShouldBeAsync(HttpStatusCode.OK);
        var body = await (await PatchAsync(user, $$$"""{"metadata":{"x":{{{patch}}}}}""")).ShouldBeAsync(HttpStatusCode.OK);
        var expected = result is null ? """{"kept":1.50}""" : $$"""{"kept":1.50,"x":{{result}}}""";
        (await StoredAsync(user)).Profile.Metadata.ShouldBe(expected);
        body.GetProperty("metadata").GetRawText().ShouldBe(expected);
    }

    [Fact]
    public async Task Text_and_numbers_of_metadata_survive_exactly()
    {
        var user = await app.CreateUserAsync();
        const string Metadata = """{"":"","emoji 👩‍🚀":"日本語 é \u2028 </script> \"q\" \\ \u0001","n":""" +
            """[1.0,-0,1e400,123456789012345678901234567890,0.1],"t":[true,false,null,{},[]]}""";
        await (await PatchAsync(user, $$"""{"metadata":{{Metadata}}}""")).ShouldBeAsync(HttpStatusCode.OK);
        var shown = (await (await app.ClientFor(user).GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK))
            .GetProperty("metadata");
        using var sent = JsonDocument.Parse(Metadata);
        shown.Names().ShouldBe(sent.RootElement.Names());
        shown.GetProperty("emoji 👩‍🚀").GetString().ShouldBe(sent.RootElement.GetProperty("emoji 👩‍🚀").GetString());
        shown.GetProperty("n").GetRawText().ShouldBe("[1.0,-0,1e400,123456789012345678901234567890,0.1]");
    }

    [Fact]
    public async Task Merged_metadata_may_reach_its_length_limit_and_no_more()
    {
        var user = await app.CreateUserAsync();
        // {"a":"…","b":"…"} with characters of four bytes each.
        var half = (UserProfile.MetadataMaxBytes - """{"a":"","b":""}""".Length) / 2 / 4;
        var (a, b) = (string.Concat(Enumerable.Repeat("😀", half)), string.Concat(Enumerable.Repeat("😀", half)));
        var rest = new string('x', UserProfile.MetadataMaxBytes - """{"a":"","b":""}""".Length - (half * 8));
        await (await PatchAsync(user, $$$"""{"metadata":{"a":"{{{a}}}"}}""")).ShouldBeAsync(HttpStatusCode.OK);
        await (await PatchAsync(user, $$$"""{"name":"Changed","metadata":{"b":"{{{b}}}{{{rest}}}x"}}"""))
            .ShouldRefuseFieldsAsync("metadata");
        (await StoredAsync(user)).Profile.Name.ShouldBe(user.Name);
        await (await PatchAsync(user, $$$"""{"metadata":{"b":"{{{b}}}{{{rest}}}"}}""")).ShouldBeAsync(HttpStatusCode.OK);
        System.Text.Encoding.UTF8.GetByteCount((await StoredAsync(user)).Profile.Metadata!).ShouldBe(UserProfile.MetadataMaxBytes);
    }

    [Fact]
    public async Task Metadata_may_be_as_deep_as_a_body_and_no_deeper()
    {
        var user = await app.CreateUserAsync();
        // The body itself is the first level of sixteen.
        await (await PatchAsync(user, $$"""{"metadata":{{Nested(15)}}}""")).ShouldBeAsync(HttpStatusCode.OK);
        await (await app.ClientFor(user).GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        await (await PatchAsync(user, $$"""{"metadata":{{Nested(16)}}}""")).ShouldBeProblemAsync(HttpStatusCode.BadRequest);
        (await StoredAsync(user)).Profile.Metadata.ShouldBe(Nested(15));

        static string Nested(int levels) => string.Concat(Enumerable.Repeat("""{"a":""", levels - 1)) + "{}" + new string('}', levels - 1);
    }

    public static TheoryData<string, string> Refused => new()
    {
        { """{"name":null}""", "name" },
        { """{"name":" "}""", "name" },
        { """{"email":null,"name":"Changed"}""", "email" },
        { """{"username":""}""", "username" },
        { $$"""{"username":"{{new string('a', UserProfile.UsernameMinLength - 1)}}"}""", "username" },
        { $$"""{"username":"{{new string('a', UserProfile.UsernameMaxLength + 1)}}"}""", "username" },
        { """{"username":".abc"}""", "username" },
        { """{"username":"abc."}""", "username" },
        { """{"username":"a..b"}""", "username" },
        { """{"username":"a-bc"}""", "username" },
        { """{"username":" abc"}""", "username" },
        { """{"username":"\u212Aelvin"}""", "username" },
        { """{"username":"Admin"}""", "username" },
        { """{"username":"support","name":"Changed"}""", "username" },
        { $$"""{"bio":"{{new string('b', UserProfile.BioMaxLength + 1)}}"}""", "bio" },
        { """{"bio":"a\u0000b"}""", "bio" },
        { """{"bio":"a\u001bb"}""", "bio" },
        { """{"bio":"a\u0085b"}""", "bio" },
        { """{"bio":"a\fb"}""", "bio" },
        { """{"bio":7}""", "bio" },
        { """{"phone":"004915112345678"}""", "phone" },
        { """{"phone":"+49 (0) 151 12345678"}""", "phone" },
        { """{"phone":"+49 (0)151 12345678"}""", "phone" },
        { """{"phone":"+49 151 12345678 x9"}""", "phone" },
        { """{"phone":"++4915112345678"}""", "phone" },
        { """{"phone":"49+15112345678"}""", "phone" },
        { """{"phone":"\u202a\u202c"}""", "phone" },
        { """{"phone":"+49 1 5 1 1 2 3 4 5 6 7 8 9 0 1 2 3"}""", "phone" },
        { """{"phone":"+0123456789"}""", "phone" },
        { """{"phone":"+123456"}""", "phone" },
        { """{"phone":"+1234567890123456"}""", "phone" },
        { """{"phone":"+123456٣٤٥"}""", "phone" },
        { """{"phone":"+49151123456\n"}""", "phone" },
        { """{"birth_date":"17.05.1990"}""", "birth_date" },
        { """{"birth_date":"1990-02-30"}""", "birth_date" },
        { """{"birth_date":"1990-5-17"}""", "birth_date" },
        { """{"birth_date":"1990-05-17T00:00:00Z"}""", "birth_date" },
        { """{"birth_date":"1899-12-31"}""", "birth_date" },
        { """{"birth_date":"9999-12-31"}""", "birth_date" },
        { """{"locale":"de__AT"}""", "locale" },
        { """{"locale":"_DE"}""", "locale" },
        { """{"locale":"@calendar=buddhist"}""", "locale" },
        { """{"locale":""}""", "locale" },
        { """{"locale":"e"}""", "locale" },
        { """{"locale":"en-"}""", "locale" },
        { """{"locale":"en-x"}""", "locale" },
        { $$"""{"locale":"en-{{string.Join('-', Enumerable.Repeat("abcdefgh", 4))}}"}""", "locale" },
        { """{"time_zone":"Mars/Olympus"}""", "time_zone" },
        { """{"time_zone":"europe\\berlin"}""", "time_zone" },
        { """{"time_zone":"/etc/passwd"}""", "time_zone" },
        { """{"time_zone":""}""", "time_zone" },
        { """{"metadata":[]}""", "metadata" },
        { """{"metadata":"{}"}""", "metadata" },
        { """{"metadata":{"a":{"b":["\u0000"]}}}""", "metadata" },
        { """{"metadata":{"a\u0000b":1}}""", "metadata" },
        { """{"metadata":{"a":"\ud800"}}""", "metadata" },
        { """{"is_public":"yes"}""", "is_public" },
        { """{"is_public":1}""", "is_public" },
    };

    [Theory, Trait("Database", "Sqlite")]
    [MemberData(nameof(Refused))]
    public async Task A_refused_field_is_named_and_nothing_changes(string patch, string field)
    {
        var user = await app.CreateUserAsync();
        await (await PatchAsync(user, patch)).ShouldRefuseFieldsAsync(field);
        (await StoredAsync(user)).Profile.Version.ShouldBe(1);
    }

    public static TheoryData<string, string> Taken => new()
    {
        { "bio", "" },
        { "bio", string.Concat(Enumerable.Repeat("😀", UserProfile.BioMaxLength)) },
        { "phone", "+1234567" },
        { "phone", "+123456789012345" },
        { "birth_date", "1900-01-01" },
        { "birth_date", "2024-02-29" },
        { "locale", "en" },
        { "locale", "zh-Hant-TW" },
        { "locale", "es-419" },
        { "locale", "de-DE-u-co-phonebk" },
        { "locale", "sl-rozaj-biske-1994" },
        { "locale", "x-whatever" },
        { "locale", "i-klingon" },
        { "locale", "en-a-bbb-x-a-ccc" },
        { "time_zone", "UTC" },
        { "time_zone", "Etc/GMT+12" },
        { "time_zone", "America/Argentina/ComodRivadavia" },
        { "time_zone", "Asia/Calcutta" },
    };

    public static TheoryData<string, string, string> Kept => new()
    {
        { "phone", "+49 151 12345678", "+4915112345678" },
        { "phone", "+49\u00A0151\u202F12345678", "+4915112345678" },
        { "phone", "+49\u2009151\u200712345678", "+4915112345678" },
        { "phone", "+49 (151) 1234-5678", "+4915112345678" },
        { "phone", " +49\u2011151\u20101234\u20135678 ", "+4915112345678" },
        { "phone", "\u202A+49 151 12345678\u202C", "+4915112345678" },
        { "phone", "\u2068+4915112345678\u2069", "+4915112345678" },
        { "phone", "\u200E+49 151/123.456.78\u200F", "+4915112345678" },
        { "phone", "+1 [212] 555\uFF0D0123", "+12125550123" },
        { "locale", "en_US", "en-US" },
        { "locale", "zh_Hans_CN", "zh-Hans-CN" },
        { "locale", "zh_CN_#Hans", "zh-Hans-CN" },
        { "locale", "sr__#Latn", "sr-Latn" },
        { "locale", "en_US_POSIX", "en-US-posix" },
        { "locale", "en_GB@rg=uszzzz", "en-GB" },
        { "locale", "de_DE.UTF-8", "de-DE" },
        { "locale", "de-de", "de-DE" },
        { "locale", "ZH-hant-tw", "zh-Hant-TW" },
        { "locale", "EN-us-U-CA-Buddhist-X-AB-ABCD", "en-US-u-ca-buddhist-x-ab-abcd" },
        { "locale", "iw_IL", "iw-IL" },
        { "time_zone", "europe/berlin", "Europe/Berlin" },
        { "time_zone", "utc", "UTC" },
        { "time_zone", "ETC/gmt+12", "Etc/GMT+12" },
        { "bio", "a\r\nb\rc\n\r\nd", "a\nb\nc\n\nd" },
        { "bio", string.Concat(Enumerable.Repeat("\r\n", UserProfile.BioMaxLength)), new string('\n', UserProfile.BioMaxLength) },
    };

    [Theory]
    [MemberData(nameof(Kept))]
    public async Task Different_spellings_are_stored_in_one_form(string field, string sent, string kept)
    {
        var user = await app.CreateUserAsync();
        var change = new JsonObject { [field] = sent }.ToJsonString();
        (await (await PatchAsync(user, change)).ShouldBeAsync(HttpStatusCode.OK)).GetProperty(field).GetString().ShouldBe(kept);
        using var put = new StringContent(change, new MediaTypeHeaderValue("application/json"));
        (await (await app.ClientFor(user).PutAsync("/me", put, Cancellation)).ShouldBeAsync(HttpStatusCode.OK))
            .GetProperty(field).GetString().ShouldBe(kept);
        (await (await app.ClientFor(user).GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK))
            .GetProperty(field).GetString().ShouldBe(kept);
    }

    [Theory]
    [MemberData(nameof(Taken))]
    public async Task A_value_within_the_limits_comes_back_as_sent(string field, string value)
    {
        var user = await app.CreateUserAsync();
        var patch = new JsonObject { [field] = value }.ToJsonString();
        (await (await PatchAsync(user, patch)).ShouldBeAsync(HttpStatusCode.OK)).GetProperty(field).GetString().ShouldBe(value);
        (await (await app.ClientFor(user).GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK))
            .GetProperty(field).GetString().ShouldBe(value);
    }

    [Theory]
    [InlineData("a_1")]
    [InlineData("_._")]
    [InlineData("A.B_C")]
    public async Task A_username_is_stored_in_lower_case(string form)
    {
        var user = await app.CreateUserAsync();
        var kept = form.ToLowerInvariant();
        // Frees the name on a database that keeps rows of earlier runs.
        await app.QueryAsync(db => db.UserProfiles.Where(p => p.Username == kept)
            .ExecuteUpdateAsync(p => p.SetProperty(x => x.Username, (string?)null), Cancellation));
        await (await PatchAsync(user, new JsonObject { ["username"] = form }.ToJsonString())).ShouldBeAsync(HttpStatusCode.OK);
        (await StoredAsync(user)).Profile.Username.ShouldBe(kept);
    }

    [Fact]
    public async Task A_birth_date_may_be_today_but_not_in_the_future_of_any_time_zone()
    {
        var user = await app.CreateUserAsync();
        var today = DateOnly.FromDateTime(app.Clock.GetUtcNow().UtcDateTime);
        await (await PatchAsync(user, $$"""{"birth_date":"{{today:yyyy-MM-dd}}"}""")).ShouldBeAsync(HttpStatusCode.OK);
        await (await PatchAsync(user, $$"""{"birth_date":"{{today.AddDays(2):yyyy-MM-dd}}"}""")).ShouldRefuseFieldsAsync("birth_date");
    }

    [Fact]
    public async Task A_taken_username_is_409_in_any_case_and_nothing_changes()
    {
        var (user, other) = (await app.CreateUserAsync(), await app.CreateUserAsync());
        var username = Fresh();
        await (await PatchAsync(other, $$"""{"username":"{{username}}"}""")).ShouldBeAsync(HttpStatusCode.OK);
        await (await PatchAsync(user, $$"""{"name":"Changed","username":"{{username.ToUpperInvariant()}}"}"""))
            .ShouldBeProblemAsync(HttpStatusCode.Conflict, "Username already taken");
        (await StoredAsync(user)).Profile.Version.ShouldBe(1);
        await (await PatchAsync(user, $$"""{"email":"{{other.Email}}","current_password":"{{user.Password}}"}"""))
            .ShouldBeProblemAsync(HttpStatusCode.Conflict, "Email already registered");
        // A user may send the own username again, and an abandoned one is free.
        await (await PatchAsync(other, $$"""{"username":"{{username}}"}""")).ShouldBeAsync(HttpStatusCode.OK);
        await (await PatchAsync(other, """{"username":null}""")).ShouldBeAsync(HttpStatusCode.OK);
        await (await PatchAsync(user, $$"""{"username":"{{username}}"}""")).ShouldBeAsync(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Of_many_users_who_want_one_username_exactly_one_gets_it()
    {
        var users = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => app.CreateUserAsync()));
        var username = Fresh();
        var statuses = await Task.WhenAll(users.Select(async u => (await PatchAsync(u, $$"""{"username":"{{username}}"}""")).StatusCode));
        statuses.Count(s => s == HttpStatusCode.OK).ShouldBe(1);
        statuses.Count(s => s == HttpStatusCode.Conflict).ShouldBe(4);
        (await app.QueryAsync(db => db.UserProfiles.CountAsync(p => p.Username == username))).ShouldBe(1);
    }

    [Fact]
    public async Task A_stale_If_Match_is_412_and_nothing_changes()
    {
        var user = await app.CreateUserAsync();
        var first = (await app.ClientFor(user).GetAsync("/me", Cancellation)).Headers.ETag!.ToString();
        await (await PatchAsync(user, """{"bio":"one"}""", first)).ShouldBeAsync(HttpStatusCode.OK);
        await (await PatchAsync(user, """{"bio":"two"}""", first)).ShouldBeProblemAsync(HttpStatusCode.PreconditionFailed);
        await (await PatchAsync(user, "{}", first)).ShouldBeProblemAsync(HttpStatusCode.PreconditionFailed);
        (await StoredAsync(user)).Profile.Bio.ShouldBe("one");
    }

    [Fact]
    public async Task Simultaneous_patches_are_merged_and_none_is_lost()
    {
        var user = await app.CreateUserAsync();
        var statuses = await Task.WhenAll(Enumerable.Range(0, 10)
            .Select(async i => (await PatchAsync(user, $$$"""{"metadata":{"m{{{i}}}":{{{i}}}}}""")).StatusCode));
        statuses.ShouldAllBe(s => s == HttpStatusCode.OK);
        using var metadata = JsonDocument.Parse((await StoredAsync(user)).Profile.Metadata!);
        metadata.RootElement.Names().Order().ShouldBe(Enumerable.Range(0, 10).Select(i => $"m{i}"));
    }

    [Theory]
    [InlineData("application/json")]
    [InlineData("application/json-patch+json")]
    [InlineData("text/plain")]
    [InlineData("application/merge-patch+json, application/json")]
    public async Task Another_media_type_is_415_and_the_answer_names_the_accepted_one(string contentType)
    {
        var user = await app.CreateUserAsync();
        var response = await PatchAsync(user, """{"name":"Changed"}""", contentType: contentType);
        await response.ShouldBeProblemAsync(HttpStatusCode.UnsupportedMediaType);
        response.Headers.GetValues("Accept-Patch").ShouldBe([MergePatch]);
        (await StoredAsync(user)).Profile.Version.ShouldBe(1);
    }

    [Theory]
    [InlineData("utf-8")]
    [InlineData("utf-16")]
    public async Task A_merge_patch_may_name_any_charset(string charset) =>
        await (await PatchAsync(await app.CreateUserAsync(), """{"name":"Changed"}""", contentType: $"{MergePatch}; charset={charset}"))
            .ShouldBeAsync(HttpStatusCode.OK);

    [Theory]
    [InlineData("null")]
    [InlineData("""["c"]""")]
    [InlineData("\"bar\"")]
    [InlineData("")]
    [InlineData("""{"name":"a","name":"b"}""")]
    [InlineData("""{"metadata":{"a":1,"a":2}}""")]
    public async Task A_body_that_is_not_a_strict_JSON_object_is_refused(string patch)
    {
        var user = await app.CreateUserAsync();
        await (await PatchAsync(user, patch)).ShouldBeProblemAsync(HttpStatusCode.BadRequest);
        (await StoredAsync(user)).Profile.Version.ShouldBe(1);
    }

    [Fact]
    public async Task A_body_that_is_too_large_is_413() =>
        await (await PatchAsync(await app.CreateUserAsync(), $$$"""{"metadata":{"a":"{{{new string('x', 64 * 1024)}}}"}}"""))
            .ShouldBeProblemAsync(HttpStatusCode.RequestEntityTooLarge);

    static string Fresh() => $"u{Guid.NewGuid():N}"[..UserProfile.UsernameMaxLength];

    Task<User> StoredAsync(TestUser user) =>
        app.QueryAsync(db => db.Users.AsNoTracking().Include(u => u.Profile).SingleAsync(u => u.Id == user.Id));

    Task<HttpResponseMessage> PatchAsync(TestUser user, string patch, string? ifMatch = null, string path = "/me",
        string contentType = MergePatch)
    {
        var request = new HttpRequestMessage(HttpMethod.Patch, path) { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(patch)) };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        if (ifMatch is not null)
            request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
        return app.ClientFor(user).SendAsync(request, Cancellation);
    }
}
