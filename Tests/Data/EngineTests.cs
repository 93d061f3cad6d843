using System.Net;
using System.Net.Http.Json;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;
using Profiles.Data;

namespace Profiles.Tests.Data;

/// <summary>What must not differ between SQLite and PostgreSQL; these tests run on both.</summary>
public sealed class EngineTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    const string Password = "correct horse battery staple";

    [Fact]
    public async Task Text_is_ordered_by_its_bytes_regardless_of_the_server_s_locale()
    {
        var mark = Guid.NewGuid().ToString("N");
        string[] names = ["a", "B", "Z", "z", "_", "ä", "é", "e", "Ω", "ﬀ", "😀", "10", "9", "A b", "Ab", "a-b"];
        foreach (var name in names)
            await app.CreateUserAsync($"{name} {mark}");
        var ordered = await app.QueryAsync(db =>
            db.UserProfiles.Where(p => p.Name.EndsWith(mark)).OrderBy(p => p.Name).Select(p => p.Name).ToListAsync());
        ordered.ShouldBe(names.Select(n => $"{n} {mark}")
            .OrderBy(n => Convert.ToHexString(Encoding.UTF8.GetBytes(n)), StringComparer.Ordinal));
    }

    [Fact]
    public async Task The_unique_index_compares_stored_values_and_its_violation_is_recognised()
    {
        var user = await app.CreateUserAsync();
        var exception = await Should.ThrowAsync<DbUpdateException>(() => app.QueryAsync(db =>
        {
            db.Users.Add(new() { Email = "x", NormalizedEmail = user.Email, Profile = new() { Name = "x" } });
            return db.SaveChangesAsync(Cancellation);
        }));
        DatabaseErrors.IsUniqueViolation(exception).ShouldBeTrue();
        DatabaseErrors.IsUsernameTaken(exception).ShouldBeFalse();
        DatabaseErrors.IsUnavailable(exception).ShouldBeFalse();

        var username = $"u{Guid.NewGuid():N}"[..UserProfile.UsernameMaxLength];
        var taken = await Should.ThrowAsync<DbUpdateException>(() => app.QueryAsync(db =>
        {
            foreach (var email in new[] { $"a-{username}", $"b-{username}" })
                db.Users.Add(new() { Email = email, NormalizedEmail = email, Profile = new() { Name = "x", Username = username } });
            return db.SaveChangesAsync(Cancellation);
        }));
        DatabaseErrors.IsUsernameTaken(taken).ShouldBeTrue();
        // A save is stored as a whole or not at all.
        (await app.QueryAsync(db => db.Users.CountAsync(u => u.Email!.EndsWith(username), Cancellation))).ShouldBe(0);

        // A violation of a foreign key is not one of a unique index.
        var orphan = await Should.ThrowAsync<DbUpdateException>(() => app.QueryAsync(db =>
        {
            db.UserProfiles.Add(new() { UserId = 987654321, Name = "x" });
            return db.SaveChangesAsync(Cancellation);
        }));
        DatabaseErrors.IsUniqueViolation(orphan).ShouldBeFalse();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(9)]
    [InlineData(10)]
    [InlineData(5_000_000)]
    [InlineData(9_999_999)]
    public async Task A_time_is_stored_to_the_microsecond_in_UTC(int ticks)
    {
        var user = await app.CreateUserAsync();
        var time = new DateTime(2026, 3, 29, 1, 30, 0, DateTimeKind.Utc).AddTicks(ticks);
        await app.QueryAsync(db =>
            db.Users.Where(u => u.Id == user.Id).ExecuteUpdateAsync(u => u.SetProperty(x => x.CreatedAt, time), Cancellation));

        var stored = await app.QueryAsync(db => db.Users.Where(u => u.Id == user.Id).Select(u => u.CreatedAt).SingleAsync(Cancellation));
        stored.ShouldBe(time.AddTicks(-(ticks % 10)));
        stored.Kind.ShouldBe(DateTimeKind.Utc);
    }

    [Fact]
    public async Task Times_are_compared_and_ordered_as_times()
    {
        var start = new DateTime(2031, 12, 31, 23, 59, 59, DateTimeKind.Utc);
        TimeSpan[] steps = [TimeSpan.Zero, TimeSpan.FromMicroseconds(1), TimeSpan.FromMilliseconds(500), TimeSpan.FromMilliseconds(990),
            TimeSpan.FromSeconds(1), TimeSpan.FromDays(400)];
        var ids = new List<long>();
        foreach (var step in steps)
        {
            var (user, time) = (await app.CreateUserAsync(), start + step);
            ids.Add(user.Id);
            await app.QueryAsync(db =>
                db.Users.Where(u => u.Id == user.Id).ExecuteUpdateAsync(u => u.SetProperty(x => x.CreatedAt, time), Cancellation));
        }
        (await app.QueryAsync(db => db.Users.Where(u => u.CreatedAt >= start).OrderByDescending(u => u.CreatedAt).Select(u => u.Id)
            .ToListAsync(Cancellation))).ShouldBe(ids.AsEnumerable().Reverse());
        var middle = start + steps[3];
        (await app.QueryAsync(db => db.Users.CountAsync(u => u.CreatedAt >= start && u.CreatedAt < middle, Cancellation))).ShouldBe(3);
    }

    [Fact]
    public async Task NUL_is_a_400_wherever_text_is_accepted()
    {
        var user = await app.CreateUserAsync();
        var client = app.ClientFor(user);
        foreach (var (path, body) in new (string, object)[]
        {
            ("/register", new { name = "a\0b", email = $"nul-{Guid.NewGuid():N}@example.com", password = Password }),
            ("/register", new { name = "a", email = $"nul\0-{Guid.NewGuid():N}@example.com", password = Password }),
            ("/register", new { name = "a", email = $"nul-{Guid.NewGuid():N}@example.com", password = Password + "\0" }),
            ("/login", new { email = user.Email + "\0", password = user.Password }),
            ("/login", new { email = user.Email, password = user.Password + "\0" }),
        })
            await (await client.PostAsJsonAsync(path, body, Cancellation)).ShouldBeProblemAsync(HttpStatusCode.BadRequest);
        await (await client.PutAsJsonAsync("/me", new { name = "a\0b" }, Cancellation)).ShouldBeProblemAsync(HttpStatusCode.BadRequest);
        await (await client.PutAsJsonAsync("/me", new { email = "\0" + user.Email }, Cancellation))
            .ShouldBeProblemAsync(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task The_longest_value_of_every_field_fits()
    {
        var name = string.Concat(Enumerable.Repeat("😀", UserProfile.NameMaxLength));
        var user = await app.CreateUserAsync(name);
        await app.QueryAsync(async db =>
        {
            (await db.UserProfiles.SingleAsync(p => p.UserId == user.Id, Cancellation)).Image = new()
            {
                Key = new string('k', ProfileImage.KeyMaxLength),
                Url = "/" + new string('u', ProfileImage.UrlMaxLength - 1),
                Width = ushort.MaxValue,
                Height = ushort.MaxValue,
                Bytes = int.MaxValue,
                Thumbhash = new string('t', ProfileImage.ThumbhashMaxLength),
                DominantColor = "#" + new string('c', ProfileImage.DominantColorMaxLength - 1),
                UpdatedAt = DateTime.UnixEpoch,
            };
            return await db.SaveChangesAsync(Cancellation);
        });
        var me = await (await app.ClientFor(user).GetAsync("/me", Cancellation)).ShouldBeAsync(HttpStatusCode.OK);
        me.GetProperty("name").GetString().ShouldBe(name);
        me.GetProperty("image_url").GetString()!.Length.ShouldBe(ProfilesFixture.BaseUrl.Length + ProfileImage.UrlMaxLength);
        me.GetProperty("image").GetProperty("thumbhash").GetString()!.Length.ShouldBe(ProfileImage.ThumbhashMaxLength);
    }

    [Fact]
    public void The_migrations_of_both_databases_match_the_model()
    {
        // The factories that dotnet ef uses, one for each database.
        var factories = typeof(ProfilesDbContext).Assembly.GetTypes().Where(t =>
            t.GetInterfaces().Any(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IDesignTimeDbContextFactory<>))).ToArray();
        factories.Length.ShouldBe(2);
        foreach (var factory in factories)
        {
            object made = Activator.CreateInstance(factory)!;
            using var db = (DbContext)factory.GetMethod("CreateDbContext")!.Invoke(made, new object[] { Array.Empty<string>() })!;
            db.Database.GetMigrations().ShouldNotBeEmpty(factory.FullName);
            db.Database.HasPendingModelChanges().ShouldBeFalse(factory.FullName);
        }
    }
}
