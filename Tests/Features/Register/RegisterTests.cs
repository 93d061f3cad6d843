using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Profiles.Data;
using Profiles.Infrastructure.Errors;

namespace Profiles.Tests.Features.Register;

public sealed class RegisterTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    const string Password = "correct horse battery staple";

    [Fact]
    public async Task A_new_user_is_stored_with_a_profile_and_a_bcrypt_hash()
    {
        var email = FreshEmail();
        var response = await PostAsync("  John Doe ", $" {email} ", Password);

        var body = await response.ShouldBeAsync(HttpStatusCode.Created);
        body.Names().ShouldBe(["id", "message"]);
        body.GetProperty("message").GetString().ShouldBe("User registered successfully");
        response.Headers.Location!.ToString().ShouldBe("/me");
        var id = body.GetProperty("id").GetInt64();
        var stored = await app.QueryAsync(db => db.Users.Include(u => u.Profile).SingleAsync(u => u.Id == id));
        stored.Email.ShouldBe(email);
        stored.Profile.Name.ShouldBe("John Doe");
        stored.Profile.Image.ShouldBeNull();
        stored.PasswordHash.ShouldStartWith("$2");
        stored.PasswordHash.Length.ShouldBe(User.PasswordHashLength);
        stored.CreatedAt.ShouldBe(app.Clock.GetUtcNow().UtcDateTime, TimeSpan.FromMinutes(1));
        stored.CreatedAt.Kind.ShouldBe(DateTimeKind.Utc);
    }

    [Fact]
    public async Task The_address_is_stored_as_written()
    {
        var email = $"Mixed.Case-{Guid.NewGuid():N}@Example.COM";
        var body = await (await PostAsync("A", email, Password)).ShouldBeAsync(HttpStatusCode.Created);
        (await app.QueryAsync(db => db.Users.Where(u => u.Id == body.GetProperty("id").GetInt64()).Select(u => u.Email).SingleAsync()))
            .ShouldBe(email);
    }

    [Fact]
    public async Task The_same_password_twice_gives_two_hashes()
    {
        var one = await app.CreateUserAsync(password: Password);
        var two = await app.CreateUserAsync(password: Password);
        var hashes = await app.QueryAsync(db => db.Users.Where(u => u.Id == one.Id || u.Id == two.Id)
            .Select(u => u.PasswordHash).ToListAsync());
        hashes.Distinct().Count().ShouldBe(2);
    }

    [Theory]
    [InlineData("{0}")]
    [InlineData(" {0}")]
    [InlineData("{0}\t")]
    [InlineData("UPPER")]
    public async Task A_taken_email_is_refused_with_409(string spelling)
    {
        var user = await app.CreateUserAsync();
        var email = spelling == "UPPER" ? user.Email.ToUpperInvariant() : spelling.Replace("{0}", user.Email);
        await (await PostAsync("Someone else", email, Password)).ShouldBeProblemAsync(HttpStatusCode.Conflict, "Email already registered");
        (await app.QueryAsync(db => db.Users.CountAsync(u => u.NormalizedEmail == user.Email))).ShouldBe(1);
    }

    [Fact]
    public async Task Of_fifty_simultaneous_registrations_of_one_email_exactly_one_wins()
    {
        var email = FreshEmail();
        var statuses = await Task.WhenAll(Enumerable.Range(0, 50).Select(async i =>
            (await PostAsync("Racer", i % 2 == 0 ? email : email.ToUpperInvariant(), Password)).StatusCode));
        statuses.Count(s => s == HttpStatusCode.Created).ShouldBe(1);
        statuses.Count(s => s == HttpStatusCode.Conflict).ShouldBe(49);
        (await app.QueryAsync(db => db.Users.CountAsync(u => u.NormalizedEmail == email))).ShouldBe(1);
    }

    public static TheoryData<string> RefusedEmails => new(
        "", " ", "plain", "@example.com", "a@", "a@b", "a@@example.com", "a b@example.com", "a@exa mple.com", "a@-example.com",
        "a..b@example.com", "a@example.com\0", "a\r\n@example.com", "\u212Aelvin@example.com", "a\uFF20example.com",
        "\u0131ngrid@example.com", "a@ex\u00E4mple.com",
        new string('a', 65) + "@example.com",
        "a@" + string.Join('.', Enumerable.Repeat(new string('b', 60), 5)) + ".com");

    [Theory, Trait("Database", "Sqlite")]
    [MemberData(nameof(RefusedEmails))]
    public async Task An_invalid_address_is_refused_and_the_field_is_named(string email) =>
        await (await PostAsync("John", email, Password)).ShouldRefuseFieldsAsync("email");

    [Fact]
    public async Task The_longest_address_is_accepted()
    {
        var local = Guid.NewGuid().ToString("N");
        var email = $"{local}@{new string('b', 60)}.{new string('c', 60)}.{new string('d', 60)}.";
        email += new string('e', User.EmailMaxLength - email.Length);
        email.Length.ShouldBe(User.EmailMaxLength);
        await (await PostAsync("John", email, Password)).ShouldBeAsync(HttpStatusCode.Created);
        await (await PostAsync("John", email.Replace("@", "x@"), Password)).ShouldRefuseFieldsAsync("email");
    }

    public static TheoryData<string> RefusedNames =>
        new("", "   ", "a\u0000b", "a\u001Bb", "line\nbreak", new string('n', UserProfile.NameMaxLength + 1));

    public static TheoryData<string> HiddenNames => new(
        "\u200B", "\u2800", "\u3164", "\uFEFF", "\u00AD", "\u0301", "\u200D\u200D", "\u115F\u1160", "\uFFA0", "\u00A0\u034F", "\uFE0F",
        "\U000E0041", "\U000E0001", "\U0001D159",
        "a\u202Eb", "\u202AJohn\u202C", "\u2067John\u2069", "a\u2028b", "a\u2029b", "John\U000E0041", "\U0001F3F4\U000E0067",
        "\U0001F3F4\U000E0067x\U000E007F");

    [Theory, Trait("Database", "Sqlite")]
    [MemberData(nameof(HiddenNames))]
    public async Task An_invisible_name_or_one_that_reorders_the_text_around_it_is_refused(string name) =>
        await (await PostAsync(name, FreshEmail(), Password)).ShouldRefuseFieldsAsync("name");

    public static TheoryData<string> RareNames => new(
        // A family and a pirate flag of joined emoji, Scotland and a black flag, a skin tone, Persian and Hindi with joiners, Hebrew with a
        // mark, a Han variant, and short names.
        "\U0001F468\u200D\U0001F469\u200D\U0001F467", "\U0001F3F4\u200D\u2620\uFE0F",
        "\U0001F3F4\U000E0067\U000E0062\U000E0073\U000E0063\U000E0074\U000E007F", "\U0001F3F4 flag", "\U0001F44B\U0001F3FD",
        "\u0645\u06CC\u200C\u062E\u0648\u0627\u0647\u0645", "\u0915\u094D\u200D\u0937", "\u05D0\u200E 1", "\u8FBB\U000E0100", "1", "\u2713",
        "e\u0301", "\u200Bx");

    [Theory]
    [MemberData(nameof(RareNames))]
    public async Task A_name_keeps_the_joiners_and_marks_of_its_script(string name)
    {
        var user = await app.CreateUserAsync(name);
        (await (await app.ClientFor(user).GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK))
            .GetProperty("name").GetString().ShouldBe(name);
    }


    [Theory, Trait("Database", "Sqlite")]
    [MemberData(nameof(RefusedNames))]
    public async Task An_invalid_name_is_refused_and_the_field_is_named(string name) =>
        await (await PostAsync(name, FreshEmail(), Password)).ShouldRefuseFieldsAsync("name");

    public static TheoryData<string> AcceptedNames => new("x", "Zoë 🦊 Ωmega", new string('n', UserProfile.NameMaxLength),
        string.Concat(Enumerable.Repeat("😀", UserProfile.NameMaxLength)), "'; DROP TABLE users; --", "<script>alert(1)</script>");

    [Theory]
    [MemberData(nameof(AcceptedNames))]
    public async Task A_name_is_stored_and_shown_exactly(string name)
    {
        var user = await app.CreateUserAsync(name);
        var me = await (await app.ClientFor(user).GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        me.GetProperty("name").GetString().ShouldBe(name);
    }

    public static TheoryData<string> RefusedPasswords => new(
        "", "1234567", string.Concat(Enumerable.Repeat("😀", 7)), "abcdefgh\0tail-1", new string('a', User.PasswordMaxBytes + 1),
        string.Concat(Enumerable.Repeat("😀", 19)));

    [Theory, Trait("Database", "Sqlite")]
    [MemberData(nameof(RefusedPasswords))]
    public async Task A_password_that_bcrypt_would_truncate_or_that_is_too_short_is_refused(string password) =>
        await (await PostAsync("John", FreshEmail(), password)).ShouldRefuseFieldsAsync("password");

    public static TheoryData<string> AcceptedPasswords => new(
        "plum-t94", string.Concat(Enumerable.Repeat("😀", 8)), string.Concat(Enumerable.Repeat("😀", 18)),
        new string('a', User.PasswordMaxBytes), "123456789012345678901234567890", "パスワードは秘密です漢字", " leading and trailing ", "        ");

    [Theory]
    [MemberData(nameof(AcceptedPasswords))]
    public async Task Any_other_password_is_accepted_unchanged(string password)
    {
        var user = await app.CreateUserAsync(password: password);
        user.Token.ShouldNotBeNullOrEmpty();
    }

    [Fact]
    public async Task A_password_that_attackers_try_first_is_refused_with_the_reason()
    {
        foreach (var (password, reason) in new[]
        {
            ("12345678", ErrorCodes.PasswordTooCommon.Sentence), ("PASSWORD1", ErrorCodes.PasswordTooCommon.Sentence),
            ("alice.smith", ErrorCodes.PasswordIsEmail.Sentence), ("Alice.Smith@x.example", ErrorCodes.PasswordIsEmail.Sentence),
            ("alice.smith2026", ErrorCodes.PasswordIsEmail.Sentence), ("Profiles", ErrorCodes.PasswordIsServiceName.Sentence),
            ("profiles!1", ErrorCodes.PasswordIsServiceName.Sentence),
        })
        {
            var answer = await PostAsync("Alice", " alice.smith@x.example ", password);
            (await answer.ShouldBeProblemAsync(HttpStatusCode.BadRequest, reason)).GetProperty("errors").GetProperty("password")
                .GetArrayLength().ShouldBe(1);
        }
        (await app.QueryAsync(db => db.Users.CountAsync(u => u.NormalizedEmail == "alice.smith@x.example"))).ShouldBe(0);
    }

    [Fact]
    public async Task Every_refused_field_is_named_at_once() =>
        await (await PostAsync("", "x", "1")).ShouldRefuseFieldsAsync("name", "email", "password");

    [Fact]
    public async Task Undocumented_members_change_nothing()
    {
        var email = FreshEmail();
        var response = await app.Client.PostAsJsonAsync("/register", new
        {
            name = "John",
            email,
            password = Password,
            id = 999_999,
            user_id = 999_999,
            role = "admin",
            password_hash = "x",
            image_url = "https://evil.example/x.jpg",
            created_at = "2000-01-01T00:00:00Z",
            version = 77,
        }, Cancellation);
        var id = (await response.ShouldBeAsync(HttpStatusCode.Created)).GetProperty("id").GetInt64();
        id.ShouldNotBe(999_999);
        var stored = await app.QueryAsync(db => db.Users.Include(u => u.Profile).SingleAsync(u => u.Id == id));
        stored.CreatedAt.Year.ShouldNotBe(2000);
        stored.PasswordHash.ShouldNotBe("x");
        stored.Profile.Image.ShouldBeNull();
        stored.Profile.Version.ShouldBe(1);
    }

    public static TheoryData<string, string> BrokenBodies => new()
    {
        { "not JSON", "x" }, { "empty", "" }, { "null", "null" }, { "an array", "[]" }, { "a number", "1" },
        { "cut off", """{"name":"a",""" },
        { "a duplicate member", """{"name":"a","name":"b","email":"dup@example.com","password":"12345678"}""" },
        { "a lone surrogate", """{"name":"\ud800","email":"s@example.com","password":"12345678"}""" },
        { "a trailing comma", """{"name":"a","email":"t@example.com","password":"12345678",}""" },
        { "a comment", """{/**/"name":"a","email":"c@example.com","password":"12345678"}""" },
        { "two objects", """{"name":"a","email":"c@example.com","password":"12345678"}{}""" },
    };

    [Theory, Trait("Database", "Sqlite")]
    [MemberData(nameof(BrokenBodies))]
    public async Task JSON_that_is_not_strict_is_refused(string what, string body)
    {
        var response = await app.Client.PostAsync("/register", new StringContent(body, Encoding.UTF8, "application/json"), Cancellation);
        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest, what);
        await response.ShouldBeProblemAsync(HttpStatusCode.BadRequest);
    }

    [Theory, Trait("Database", "Sqlite")]
    [InlineData("""{"name":1,"email":"a@example.com","password":"12345678"}""", "name")]
    [InlineData("""{"name":"a","email":null,"password":"12345678"}""", "email")]
    [InlineData("""{"name":"a","email":"a@example.com","password":["12345678"]}""", "password")]
    [InlineData("""{"name":"a","email":"a@example.com"}""", "password")]
    public async Task A_field_of_the_wrong_type_is_named(string body, string field) =>
        await (await app.Client.PostAsync("/register", new StringContent(body, Encoding.UTF8, "application/json"), Cancellation))
            .ShouldRefuseFieldsAsync(field);

    [Fact]
    public async Task Bodies_that_are_too_deep_too_large_not_UTF_8_or_not_JSON_are_refused()
    {
        var deep = string.Concat(Enumerable.Repeat("[", 100)) + string.Concat(Enumerable.Repeat("]", 100));
        await (await SendAsync(Encoding.UTF8.GetBytes($$"""{"name":"a","x":{{deep}}}"""), "application/json"))
            .ShouldBeProblemAsync(HttpStatusCode.BadRequest);
        await (await SendAsync(Encoding.UTF8.GetBytes($$"""{"x":"{{new string('x', 1_000_000)}}"}"""), "application/json"))
            .ShouldBeProblemAsync(HttpStatusCode.RequestEntityTooLarge);
        await (await SendAsync([.. """{"name":"""u8, 0x22, 0xC3, 0x28, 0x22, (byte)'}'], "application/json"))
            .ShouldBeProblemAsync(HttpStatusCode.BadRequest);
        await (await SendAsync(Encoding.Unicode.GetBytes("""{"name":"a"}"""), "application/json"))
            .ShouldBeProblemAsync(HttpStatusCode.BadRequest);
        await (await SendAsync("{}"u8.ToArray(), "text/plain")).ShouldBeProblemAsync(HttpStatusCode.UnsupportedMediaType);
        await (await SendAsync("{}"u8.ToArray(), null)).ShouldBeProblemAsync(HttpStatusCode.UnsupportedMediaType);
    }

    [Theory, Trait("Database", "Sqlite")]
    [InlineData("application/json; charset=utf-8")]
    [InlineData("application/json; charset=\"utf-8\"")]
    [InlineData("application/json; charset=\"UTF-8\"")]
    public async Task The_charset_utf_8_may_be_quoted(string contentType) =>
        await (await SendAsync(JsonSerializer.SerializeToUtf8Bytes(new { name = "a", email = FreshEmail(), password = "plum-tram-94" }),
            contentType)).ShouldBeAsync(HttpStatusCode.Created);

    static string FreshEmail() => $"new-{Guid.NewGuid():N}@example.com";

    Task<HttpResponseMessage> PostAsync(string name, string email, string password) =>
        app.Client.PostAsJsonAsync("/register", new { name, email, password }, Cancellation);

    Task<HttpResponseMessage> SendAsync(byte[] body, string? contentType)
    {
        var content = new ByteArrayContent(body);
        if (contentType is not null)
            content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        return app.Client.PostAsync("/register", content, Cancellation);
    }
}
