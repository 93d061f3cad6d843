using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Profiles.Data;
using Profiles.Infrastructure.Idempotency;
using Profiles.Infrastructure.Tokens;

namespace Profiles.Tests.Infrastructure.Idempotency;

/// <summary>A service whose clock the tests move.</summary>
public sealed class IdempotencyFixture : ProfilesFixture;

/// <summary>Requests with the same Idempotency-Key take effect once and get the same answer.</summary>
[Collection(nameof(Tokens.MovedClock))]
public sealed class IdempotencyTests(IdempotencyFixture app) : TestBase<IdempotencyFixture>
{
    const string Password = "correct horse battery staple", InProgress = "The first request with this Idempotency-Key is under way.",
    Another = "This Idempotency-Key was used for another request.";

    [Fact]
    public async Task A_repeated_registration_has_the_same_answer_and_creates_no_second_user()
    {
        var (key, body) = (FreshKey(), Registration());
        var first = await SendAsync(HttpMethod.Post, "/register", body, key);
        var created = await first.ShouldBeAsync(HttpStatusCode.Created);
        IsReplay(first).ShouldBeFalse();

        var again = await SendAsync(HttpMethod.Post, "/register", body, key);
        (await again.ShouldBeAsync(HttpStatusCode.Created)).GetRawText().ShouldBe(created.GetRawText());
        IsReplay(again).ShouldBeTrue();
        again.Headers.Location.ShouldBe(first.Headers.Location);
        again.Content.Headers.ContentType.ShouldBe(first.Content.Headers.ContentType);
        again.Headers.CacheControl!.NoStore.ShouldBeTrue();
        // Without the key, or with another, it is a new request.
        foreach (var other in new[] { null, FreshKey() })
            await (await SendAsync(HttpMethod.Post, "/register", body, other))
                .ShouldBeProblemAsync(HttpStatusCode.Conflict, "Email already registered");
    }

    [Fact]
    public async Task A_body_is_stored_as_a_hash_keyed_with_the_signing_key()
    {
        var (key, body) = (FreshKey(), Registration());
        await (await SendAsync(HttpMethod.Post, "/register", body, key)).ShouldBeAsync(HttpStatusCode.Created);
        byte[] secret = [.. app.Services.GetRequiredService<SigningKeys>().Current.Key, .. Encoding.UTF8.GetBytes($"\n{key}")];
        var hash = HMACSHA256.HashData(secret, Encoding.UTF8.GetBytes($"\n{body}"));
        (await app.QueryAsync(db => db.IdempotentAnswers.CountAsync(a => a.RequestHash == hash))).ShouldBe(1);
    }

    [Fact]
    public async Task The_same_key_with_another_body_is_422_and_has_no_effect()
    {
        var (key, body) = (FreshKey(), Registration());
        await (await SendAsync(HttpMethod.Post, "/register", body, key)).ShouldBeAsync(HttpStatusCode.Created);
        var users = await app.QueryAsync(db => db.Users.CountAsync());
        await (await SendAsync(HttpMethod.Post, "/register", Registration(), key))
            .ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, Another);
        (await app.QueryAsync(db => db.Users.CountAsync())).ShouldBe(users);
    }

    [Fact]
    public async Task Fifty_concurrent_requests_create_one_user_and_all_get_the_same_answer()
    {
        var (key, body) = (FreshKey(), Registration());
        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(async _ =>
        {
            while (true)
            {
                var answer = await SendAsync(HttpMethod.Post, "/register", body, key);
                if (answer.StatusCode == HttpStatusCode.Created)
                    return await answer.Content.ReadAsStringAsync(Cancellation);
                await answer.ShouldBeProblemAsync(HttpStatusCode.Conflict, InProgress);
                answer.Headers.RetryAfter!.Delta.ShouldBe(TimeSpan.FromSeconds(1));
                await Task.Delay(50, Cancellation);
            }
        }));
        answers.Distinct().Count().ShouldBe(1);
    }

    [Fact]
    public async Task A_repeated_change_does_not_undo_a_later_one_and_keys_belong_to_their_user()
    {
        var (user, other, key) = (await app.CreateUserAsync(), await app.CreateUserAsync(), FreshKey());
        var first = await SendAsync(HttpMethod.Put, "/me", """{"name":"First"}""", key, user);
        await first.ShouldBeAsync(HttpStatusCode.OK);
        await (await SendAsync(HttpMethod.Put, "/me", """{"name":"Second"}""", FreshKey(), user)).ShouldBeAsync(HttpStatusCode.OK);

        // An alias counts as the same route.
        var again = await SendAsync(HttpMethod.Put, "/users/me", """{"name":"First"}""", key, user);
        (await again.ShouldBeAsync(HttpStatusCode.OK)).GetProperty("name").GetString().ShouldBe("First");
        IsReplay(again).ShouldBeTrue();
        again.Headers.ETag.ShouldBe(first.Headers.ETag);
        (await NameAsync(user)).ShouldBe("Second");

        var others = await SendAsync(HttpMethod.Put, "/me", """{"name":"Other"}""", key, other);
        (await others.ShouldBeAsync(HttpStatusCode.OK)).GetProperty("id").GetInt64().ShouldBe(other.Id);
        IsReplay(others).ShouldBeFalse();
        (await SendAsync(HttpMethod.Put, "/me", """{"name":"First"}""", key)).StatusCode.ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task A_refusal_is_replayed_too_and_If_Match_is_part_of_the_request()
    {
        var (user, key) = (await app.CreateUserAsync(), FreshKey());
        await (await SendAsync(HttpMethod.Put, "/me", """{"name":""}""", key, user)).ShouldRefuseFieldsAsync("name");
        var again = await SendAsync(HttpMethod.Put, "/me", """{"name":""}""", key, user);
        await again.ShouldRefuseFieldsAsync("name");
        IsReplay(again).ShouldBeTrue();

        var conditional = FreshKey();
        await (await SendAsync(HttpMethod.Put, "/me", """{"name":"A"}""", conditional, user, ifMatch: "\"stale\""))
            .ShouldBeProblemAsync(HttpStatusCode.PreconditionFailed);
        await (await SendAsync(HttpMethod.Put, "/me", """{"name":"A"}""", conditional, user, ifMatch: "*"))
            .ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, Another);
    }

    [Fact]
    public async Task A_repeated_upload_is_not_stored_again_even_with_another_boundary()
    {
        var (user, key) = (await app.CreateUserAsync(), FreshKey());
        var image = TestImage.Png(40, 30, 200, 100, 50);
        var first = await UploadAsync(user, key, image, "first-boundary");
        var shown = await first.ShouldBeAsync(HttpStatusCode.OK);
        var version = await VersionAsync();

        var again = await UploadAsync(user, key, image, "second-boundary-that-is-longer");
        (await again.ShouldBeAsync(HttpStatusCode.OK)).GetRawText().ShouldBe(shown.GetRawText());
        IsReplay(again).ShouldBeTrue();
        (await VersionAsync()).ShouldBe(version);
        await (await UploadAsync(user, key, TestImage.Png(40, 30, 1, 2, 3), "first-boundary"))
            .ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, Another);
        await (await UploadAsync(user, FreshKey(), image, "first-boundary")).ShouldBeAsync(HttpStatusCode.OK);
        (await VersionAsync()).ShouldBeGreaterThan(version);

        Task<int> VersionAsync() =>
            app.QueryAsync(db => db.UserProfiles.Where(p => p.UserId == user.Id).Select(p => p.Version).SingleAsync());
    }

    [Fact]
    public async Task A_500_is_not_stored_and_the_key_can_be_used_again()
    {
        var (user, key, body) = (await app.CreateUserAsync(), FreshKey(), """{"name":"After the fault"}""");
        await ExecuteAsync(TestDatabase.IsPostgreSql
            ? string.Create(null, $"""
                CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'fault'; END $$;
                CREATE TRIGGER fault BEFORE UPDATE OF name ON user_profiles
                FOR EACH ROW WHEN (OLD.user_id = {user.Id}) EXECUTE FUNCTION fault()
                """)
            : string.Create(null, $"""
                CREATE TRIGGER fault BEFORE UPDATE OF name ON user_profiles WHEN OLD.user_id = {user.Id}
                BEGIN SELECT RAISE(FAIL, 'fault'); END
                """));
        try
        {
            var rows = await RowsAsync();
            await (await SendAsync(HttpMethod.Put, "/me", body, key, user)).ShouldBeProblemAsync(HttpStatusCode.InternalServerError);
            (await RowsAsync()).ShouldBe(rows);
        }
        finally
        {
            await ExecuteAsync(TestDatabase.IsPostgreSql
                ? "DROP TRIGGER fault ON user_profiles; DROP FUNCTION fault()"
                : "DROP TRIGGER fault");
        }
        var answer = await SendAsync(HttpMethod.Put, "/me", body, key, user);
        await answer.ShouldBeAsync(HttpStatusCode.OK);
        IsReplay(answer).ShouldBeFalse();
        (await NameAsync(user)).ShouldBe("After the fault");
    }

    [Fact]
    public async Task A_request_that_crashed_can_be_retried_after_some_minutes_and_an_answer_is_stored_for_a_day()
    {
        var (user, key, body) = (await app.CreateUserAsync(), FreshKey(), """{"name":"Retried"}""");
        await (await SendAsync(HttpMethod.Put, "/me", body, key, user)).ShouldBeAsync(HttpStatusCode.OK);
        // As if the process had crashed before it stored the answer.
        await app.QueryAsync(db => db.IdempotentAnswers.ExecuteUpdateAsync(a => a.SetProperty(x => x.Status, (int?)null)));
        await (await SendAsync(HttpMethod.Put, "/me", body, key, user)).ShouldBeProblemAsync(HttpStatusCode.Conflict, InProgress);
        await (await SendAsync(HttpMethod.Put, "/me", """{"name":"Another"}""", key, user))
            .ShouldBeProblemAsync(HttpStatusCode.UnprocessableEntity, Another);
        app.Clock.Advance(AnswerStore.AbandonedAfter);
        try
        {
            var answer = await SendAsync(HttpMethod.Put, "/me", body, key, user);
            await answer.ShouldBeAsync(HttpStatusCode.OK);
            IsReplay(answer).ShouldBeFalse();
            IsReplay(await SendAsync(HttpMethod.Put, "/me", body, key, user)).ShouldBeTrue();
        }
        finally
        {
            app.Clock.Advance(-AnswerStore.AbandonedAfter);
        }
        await app.QueryAsync(db =>
            db.IdempotentAnswers.ExecuteUpdateAsync(a =>
                a.SetProperty(x => x.CreatedAt, app.Clock.GetUtcNow().UtcDateTime - IdempotentAnswer.Retention)));
        IsReplay(await SendAsync(HttpMethod.Put, "/me", """{"name":"Tomorrow"}""", key, user)).ShouldBeFalse();
        (await NameAsync(user)).ShouldBe("Tomorrow");
    }

    [Fact]
    public async Task Of_many_retries_of_a_crashed_request_one_runs_and_the_late_answer_of_the_first_is_not_stored()
    {
        byte[] key = [.. Guid.NewGuid().ToByteArray(), .. Guid.NewGuid().ToByteArray()], request = new byte[Session.HashLength];
        var first = await StoreAsync(s => s.BeginAsync(key, userId: null, request, Cancellation));
        first.IsMine.ShouldBeTrue();
        app.Clock.Advance(AnswerStore.AbandonedAfter);
        try
        {
            var retries = await Task.WhenAll(Enumerable.Range(0, 20)
                .Select(_ => StoreAsync(s => s.BeginAsync(key, userId: null, request, Cancellation))));
            var winner = retries.Where(t => t.IsMine).ShouldHaveSingleItem();
            await StoreAsync(async s =>
            {
                await s.KeepAsync(first.Row, request, 200, "", [1]);
                await s.ForgetAsync(first.Row);
                return 0;
            });
            (await app.QueryAsync(db => db.IdempotentAnswers.AsNoTracking().SingleAsync(a => a.KeyHash == key))).ShouldSatisfyAllConditions(
                r => r.Status.ShouldBeNull(), r => r.CreatedAt.ShouldBe(winner.Row.CreatedAt));
        }
        finally
        {
            app.Clock.Advance(-AnswerStore.AbandonedAfter);
        }
    }

    [Theory]
    [InlineData("delete-\u007f")]
    [InlineData("umlaut-ü")]
    [InlineData("longest")]
    [InlineData("two")]
    public async Task An_invalid_key_is_refused(string key)
    {
        var body = new StringContent(Registration(), Encoding.UTF8, "application/json");
        var message = new HttpRequestMessage(HttpMethod.Post, "/register") { Content = body };
        string[] keys = key switch
        {
            "longest" => [new string('k', IdempotencyKeys.LongestKey + 1)],
            "two" => ["one", "another"],
            _ => [key],
        };
        message.Headers.TryAddWithoutValidation(IdempotencyKeys.Header, keys);
        await (await app.Client.SendAsync(message, Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.BadRequest, "An Idempotency-Key is one header of 1 to 255 printable ASCII characters.");
        await (await SendAsync(HttpMethod.Post, "/register", Registration(), new string('k', IdempotencyKeys.LongestKey - 32)
            + Guid.NewGuid().ToString("N"))).ShouldBeAsync(HttpStatusCode.Created);
    }

    [Fact]
    public async Task Neither_a_key_nor_a_password_is_stored()
    {
        var (key, email) = (FreshKey(), $"{Guid.NewGuid():N}@example.com");
        await (await SendAsync(HttpMethod.Post, "/register", $$"""{"name":"John","email":"{{email}}","password":"{{Password}}"}""", key))
            .ShouldBeAsync(HttpStatusCode.Created);
        foreach (var row in await app.QueryAsync(db => db.IdempotentAnswers.AsNoTracking().ToListAsync()))
        {
            var text = Encoding.UTF8.GetString([.. row.KeyHash, .. row.RequestHash, .. row.Body ?? []]) + row.Headers;
            text.ShouldNotContain(key);
            text.ShouldNotContain(Password);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(64)]
    [InlineData(100_000)]
    public void A_hash_does_not_depend_on_how_a_body_is_split(int size)
    {
        var bytes = Encoding.UTF8.GetBytes(string.Join("--a-boundary\r\n", Enumerable.Range(0, 200).Select(i => $"part {i} --a-bound")));
        HashOf("a-boundary", bytes, size).ShouldBe(HashOf("a-boundary", bytes, bytes.Length));
        HashOf("a-boundary", bytes, size)
            .ShouldBe(HashOf("another", Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(bytes).Replace("a-boundary", "another")), size));
        HashOf("a-boundary", bytes[..^1], size).ShouldNotBe(HashOf("a-boundary", bytes, size));
    }

    static string HashOf(string boundary, byte[] body, int size)
    {
        var context = new Microsoft.AspNetCore.Http.DefaultHttpContext();
        context.Request.ContentType = $"multipart/form-data; boundary={boundary}";
        using var hash = new BodyHash(context.Request, []);
        foreach (var piece in body.Chunk(size))
            hash.Append(piece);
        return Convert.ToHexString(hash.Finish());
    }

    static string FreshKey() => $"\"{Guid.NewGuid()}\"";

    static string Registration() => $$"""{"name":"John","email":"{{Guid.NewGuid():N}}@example.com","password":"{{Password}}"}""";

    static bool IsReplay(HttpResponseMessage answer) =>
        answer.Headers.TryGetValues(IdempotencyKeys.Replayed, out var values) && values.Single() == "true";

    async Task<T> StoreAsync<T>(Func<AnswerStore, Task<T>> use)
    {
        using var scope = app.Services.CreateScope();
        return await use(scope.ServiceProvider.GetRequiredService<AnswerStore>());
    }

    Task<int> RowsAsync() => app.QueryAsync(db => db.IdempotentAnswers.CountAsync());

    Task<int> ExecuteAsync(string sql) => app.QueryAsync(db => db.Database.ExecuteSqlRawAsync(sql));

    Task<string> NameAsync(TestUser user) =>
        app.QueryAsync(db => db.UserProfiles.Where(p => p.UserId == user.Id).Select(p => p.Name).SingleAsync());

    Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, string json, string? key, TestUser? user = null,
        string? ifMatch = null) =>
        SendAsync(new(method, path) { Content = new StringContent(json, Encoding.UTF8, "application/json") }, key, user, ifMatch);

    Task<HttpResponseMessage> UploadAsync(TestUser user, string key, byte[] image, string boundary)
    {
        var form = new MultipartFormDataContent(boundary) { { new ByteArrayContent(image), "image", "image.png" } };
        return SendAsync(new(HttpMethod.Post, "/me/upload-image") { Content = form }, key, user);
    }

    Task<HttpResponseMessage> SendAsync(HttpRequestMessage message, string? key, TestUser? user = null, string? ifMatch = null)
    {
        if (key is not null)
            message.Headers.TryAddWithoutValidation(IdempotencyKeys.Header, key);
        if (user is not null)
            message.Headers.Authorization = new("Bearer", user.Token);
        if (ifMatch is not null)
            message.Headers.TryAddWithoutValidation("If-Match", ifMatch);
        return app.Client.SendAsync(message, Cancellation);
    }
}
