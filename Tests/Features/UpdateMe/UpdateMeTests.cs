using System.Net;
using System.Net.Http.Headers;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;

namespace Profiles.Tests.Features.UpdateMe;

public sealed class UpdateMeTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    [Theory]
    [InlineData("/me")]
    [InlineData("/users/me")]
    [InlineData("/user/profile")]
    public async Task Sent_fields_change_and_absent_ones_stay(string path)
    {
        var user = await app.CreateUserAsync("Old Name");
        var response = await PutAsync(user, """{"name":" New Name "}""", path: path);

        var body = await response.ShouldBeAsync(HttpStatusCode.OK);
        body.GetProperty("message").GetString().ShouldBe("Profile updated successfully");
        body.GetProperty("name").GetString().ShouldBe("New Name");
        body.GetProperty("email").GetString().ShouldBe(user.Email);
        response.Headers.ETag.ShouldBe((await app.ClientFor(user).GetAsync("/me", Cancellation)).Headers.ETag);
        var stored = await StoredAsync(user);
        stored.Profile.Name.ShouldBe("New Name");
        stored.Email.ShouldBe(user.Email);
    }

    [Fact]
    public async Task Name_and_address_may_change_together_and_the_new_address_logs_in()
    {
        var user = await app.CreateUserAsync();
        var email = $"Changed-{Guid.NewGuid():N}@example.com";
        await (await PutAsync(user, $$"""{"name":"Both","email":" {{email}} ","current_password":"{{user.Password}}"}"""))
            .ShouldBeAsync(HttpStatusCode.OK);
        var stored = await StoredAsync(user);
        stored.Email.ShouldBe(email);
        stored.NormalizedEmail.ShouldBe(email.ToLowerInvariant());
        stored.Profile.Name.ShouldBe("Both");
        var login = await app.Client.PostAsync("/login", Json($$"""{"email":"{{email}}","password":"{{user.Password}}"}"""), Cancellation);
        login.StatusCode.ShouldBe(HttpStatusCode.OK);
        var old = await app.Client.PostAsync("/login",
            Json($$"""{"email":"{{user.Email}}","password":"{{user.Password}}"}"""), Cancellation);
        await old.ShouldBeProblemAsync(HttpStatusCode.Unauthorized, "Invalid email or password");
    }

    [Fact]
    public async Task A_taken_email_is_refused_with_409_and_nothing_changes()
    {
        var (user, other) = (await app.CreateUserAsync("Stays"), await app.CreateUserAsync());
        var response = await PutAsync(user,
            $$"""{"name":"Changed","email":"{{other.Email.ToUpperInvariant()}}","current_password":"{{user.Password}}"}""");
        await response.ShouldBeProblemAsync(HttpStatusCode.Conflict, "Email already registered");
        var stored = await StoredAsync(user);
        stored.Email.ShouldBe(user.Email);
        stored.Profile.Name.ShouldBe("Stays");
        stored.Profile.Version.ShouldBe(1);
    }

    [Fact]
    public async Task The_users_own_address_may_change_its_spelling()
    {
        var user = await app.CreateUserAsync();
        var other = user.Email.ToUpperInvariant();
        // To a mail server it may be another mailbox: the change needs the password.
        await (await PutAsync(user, $$"""{"email":"{{other}}"}""")).ShouldBeAsync(HttpStatusCode.OK);
        (await StoredAsync(user)).Email.ShouldBe(user.Email);
        await (await PutAsync(user, $$"""{"email":"{{other}}","current_password":"wrong password"}"""))
            .ShouldBeProblemAsync(HttpStatusCode.Forbidden);
        await (await PutAsync(user, $$"""{"email":"{{other}}","current_password":"{{user.Password}}"}""")).ShouldBeAsync(HttpStatusCode.OK);
        (await StoredAsync(user)).Email.ShouldBe(other);
    }

    [Fact]
    public async Task Every_field_can_be_set_and_metadata_is_replaced_as_a_whole()
    {
        var user = await app.CreateUserAsync();
        var username = $"u{Guid.NewGuid():N}"[..UserProfile.UsernameMaxLength];
        await (await PutAsync(user, """{"metadata":{"old":1}}""")).ShouldBeAsync(HttpStatusCode.OK);
        var body = await (await PutAsync(user, $$"""
            {"username":"{{username}}","bio":"é 😀","phone":"+4915112345678","birth_date":"1990-05-17",
            "locale":"de-AT","time_zone":"Europe/Vienna","metadata":{ "new": null },"is_public":true}
            """)).ShouldBeAsync(HttpStatusCode.OK);
        body.GetProperty("metadata").GetRawText().ShouldBe("""{"new":null}""");
        var stored = (await StoredAsync(user)).Profile;
        (stored.Name, stored.Username, stored.Bio, stored.Phone, stored.BirthDate)
            .ShouldBe((user.Name, username, "é 😀", "+4915112345678", new DateOnly(1990, 5, 17)));
        (stored.Locale, stored.TimeZone, stored.Metadata, stored.IsPublic).ShouldBe(("de-AT", "Europe/Vienna", """{"new":null}""", true));
        await (await PutAsync(await app.CreateUserAsync(), $$"""{"username":"{{username}}"}"""))
            .ShouldBeProblemAsync(HttpStatusCode.Conflict, "Username already taken");
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"nickname":"x"}""")]
    [InlineData("""{"Name":"x"}""")]
    public async Task A_request_without_a_change_is_refused(string body) =>
        await (await PutAsync(await app.CreateUserAsync(), body))
            .ShouldBeProblemAsync(HttpStatusCode.BadRequest, "There is nothing to change: send a field of the profile.");

    // PATCH has the same rules, and its tests try many values of each.
    [Fact]
    public async Task Every_field_is_validated_and_nothing_changes()
    {
        var user = await app.CreateUserAsync("Stays");
        var refused = await PutAsync(user, $$"""
            {"name":" ","email":"plain","username":"root","bio":"{{new string('b', UserProfile.BioMaxLength + 1)}}","phone":"123",
            "birth_date":"1899-12-31",
             "locale":"not a locale","time_zone":"Nowhere"}
            """);
        await refused.ShouldRefuseFieldsAsync("name", "email", "username", "bio", "phone", "birth_date", "locale", "time_zone");
        await (await PutAsync(user, $$$"""{"metadata":{"a":"{{{new string('x', UserProfile.MetadataMaxBytes)}}}"}}"""))
            .ShouldRefuseFieldsAsync("metadata");
        (await StoredAsync(user)).Profile.Version.ShouldBe(1);
    }

    [Theory]
    [InlineData("name")]
    [InlineData("email")]
    [InlineData("username")]
    [InlineData("birth_date")]
    [InlineData("metadata")]
    [InlineData("is_public")]
    public async Task Null_is_refused_where_a_value_is_required(string field)
    {
        var user = await app.CreateUserAsync("Stays");
        await (await PutAsync(user, $$"""{"{{field}}":null,"bio":"good"}""")).ShouldRefuseFieldsAsync(field);
        (await StoredAsync(user)).Profile.Version.ShouldBe(1);
    }

    [Theory]
    [InlineData("/me")]
    [InlineData("/users/me")]
    [InlineData("/user/profile")]
    public async Task Undocumented_members_change_nothing(string path)
    {
        var (user, other) = (await app.CreateUserAsync(), await app.CreateUserAsync("Other"));
        var before = await StoredAsync(user);
        var body = $$"""
            {"name":"New","id":{{other.Id}},"user_id":{{other.Id}},"role":"admin","password":"changed-password","password_hash":"x",
             "created_at":"2000-01-01T00:00:00Z","image_url":"https://evil.example/x.jpg","image_key":"x","version":99,"token_version":9}
            """;
        await (await PutAsync(user, body, path: $"{path}?id={other.Id}&user_id={other.Id}")).ShouldBeAsync(HttpStatusCode.OK);
        var after = await StoredAsync(user);
        after.Profile.Name.ShouldBe("New");
        (after.Id, after.Email, after.NormalizedEmail, after.PasswordHash, after.CreatedAt)
            .ShouldBe((before.Id, before.Email, before.NormalizedEmail, before.PasswordHash, before.CreatedAt));
        (after.Profile.Image, after.Profile.Version).ShouldBe((null, 2));
        (await StoredAsync(other)).Profile.Name.ShouldBe("Other");
    }

    [Fact]
    public async Task A_stale_If_Match_is_412_and_nothing_changes()
    {
        var user = await app.CreateUserAsync();
        var first = (await app.ClientFor(user).GetAsync("/me", Cancellation)).Headers.ETag!.ToString();
        await (await PutAsync(user, """{"name":"Second"}""", first)).ShouldBeAsync(HttpStatusCode.OK);
        await (await PutAsync(user, """{"name":"Third"}""", first)).ShouldBeProblemAsync(HttpStatusCode.PreconditionFailed);
        await (await PutAsync(user, """{"name":"Third"}""", "not a tag")).ShouldBeProblemAsync(HttpStatusCode.PreconditionFailed);
        (await StoredAsync(user)).Profile.Name.ShouldBe("Second");
        await (await PutAsync(user, """{"name":"Third"}""", "*")).ShouldBeAsync(HttpStatusCode.OK);
        (await StoredAsync(user)).Profile.Name.ShouldBe("Third");
    }

    [Fact]
    public async Task Of_many_changes_under_one_If_Match_exactly_one_wins()
    {
        var user = await app.CreateUserAsync();
        var tag = (await app.ClientFor(user).GetAsync("/me", Cancellation)).Headers.ETag!.ToString();
        var statuses = await Task.WhenAll(Enumerable.Range(0, 10)
            .Select(async i => (await PutAsync(user, $$"""{"name":"Name {{i}}"}""", tag)).StatusCode));
        statuses.Count(s => s == HttpStatusCode.OK).ShouldBe(1);
        statuses.Count(s => s == HttpStatusCode.PreconditionFailed).ShouldBe(9);
        (await StoredAsync(user)).Profile.Version.ShouldBe(2);
    }

    [Fact]
    public async Task Simultaneous_changes_without_If_Match_all_succeed_and_the_last_one_is_stored_as_a_whole()
    {
        var user = await app.CreateUserAsync();
        string Change(int i) => $$"""{"name":"{{i}}","email":"{{i}}.{{user.Email}}","current_password":"{{user.Password}}"}""";
        var statuses = await Task.WhenAll(Enumerable.Range(0, 10).Select(async i => (await PutAsync(user, Change(i))).StatusCode));
        statuses.ShouldAllBe(s => s == HttpStatusCode.OK);
        var stored = await StoredAsync(user);
        stored.Email.ShouldBe($"{stored.Profile.Name}.{user.Email}");
        stored.Profile.Version.ShouldBe(11);
    }

    [Fact]
    public async Task Two_users_who_want_one_address_at_once_do_not_both_get_it()
    {
        var users = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => app.CreateUserAsync()));
        var wanted = $"wanted-{Guid.NewGuid():N}@example.com";
        var statuses = await Task.WhenAll(
            users.Select(async u => (await PutAsync(u, $$"""{"email":"{{wanted}}","current_password":"{{u.Password}}"}""")).StatusCode));
        statuses.Count(s => s == HttpStatusCode.OK).ShouldBe(1);
        statuses.Count(s => s == HttpStatusCode.Conflict).ShouldBe(4);
        (await app.QueryAsync(db => db.Users.CountAsync(u => u.NormalizedEmail == wanted))).ShouldBe(1);
    }

    [Fact]
    public async Task The_weak_form_of_the_current_tag_matches_and_that_of_another_does_not()
    {
        var user = await app.CreateUserAsync();
        var tag = (await app.ClientFor(user).GetAsync("/me", Cancellation)).Headers.ETag!.ToString();
        // A compressing proxy weakens the tag like this.
        var weakened = await PutAsync(user, """{"name":"Weak"}""", $"W/{tag}");
        await weakened.ShouldBeAsync(HttpStatusCode.OK);
        foreach (var stale in new[] { $"W/{tag}", tag, "W/\"other\"" })
            await (await PutAsync(user, """{"name":"Stale"}""", stale)).ShouldBeProblemAsync(HttpStatusCode.PreconditionFailed);
        await (await PutAsync(user, """{"name":"Weak among others"}""", $"\"other\", W/{weakened.Headers.ETag}"))
            .ShouldBeAsync(HttpStatusCode.OK);
        (await StoredAsync(user)).Profile.Name.ShouldBe("Weak among others");
    }

    Task<User> StoredAsync(TestUser user) =>
        app.QueryAsync(db => db.Users.AsNoTracking().Include(u => u.Profile).SingleAsync(u => u.Id == user.Id));

    Task<HttpResponseMessage> PutAsync(TestUser user, string body, string? ifMatch = null, string path = "/me")
    {
        var request = new HttpRequestMessage(HttpMethod.Put, path) { Content = Json(body) };
        if (ifMatch is not null)
            request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
        return app.ClientFor(user).SendAsync(request, Cancellation);
    }

    static StringContent Json(string text) => new(text, new MediaTypeHeaderValue("application/json"));
}
