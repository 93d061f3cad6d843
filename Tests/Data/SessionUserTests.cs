using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;
using Microsoft.Extensions.DependencyInjection;
using Profiles.Data;
using Profiles.Data.Sqlite;

namespace Profiles.Tests.Data;

/// <summary>The prepared query reads what EF Core's model says, column by column.</summary>
public sealed class SessionUserTests(ProfilesFixture app) : TestBase<ProfilesFixture>
{
    [Fact]
    public async Task Every_column_of_the_model_is_read()
    {
        var user = await app.LogInAsync(await app.CreateUserAsync(), "A device");
        await app.QueryAsync(async db =>
        {
            var row = (await db.TrackUserAsync(user.Id, Cancellation))!;
            foreach (var property in db.Entry(row).Properties.Concat(db.Entry(row.Profile).Properties))
            {
                if (!property.Metadata.IsPrimaryKey() && !IsDisabledAt(property.Metadata))
                    property.CurrentValue = ValueFor(property.Metadata);
            }
            // Its properties are required, so that a new one does not compile here.
            row.Profile.Image = new()
            {
                Key = "a/key",
                Url = "/an/address",
                Width = 640,
                Height = 480,
                Bytes = 123_456,
                Thumbhash = "2fcZFIB3iId/h3iJh4aIYJ2V8g==",
                DominantColor = "#60a0c0",
                UpdatedAt = new(2026, 1, 2, 3, 4, 5, 678, DateTimeKind.Utc),
            };
            return await db.SaveChangesAsync(Cancellation);
        });
        await ShouldBeEqualAsync(user, isComplete: true);
    }

    [Fact]
    public async Task Absent_values_are_read_as_null() => await ShouldBeEqualAsync(await app.CreateUserAsync(), isComplete: false);

    [Fact]
    public async Task The_image_of_an_older_version_has_no_description_and_is_read_as_EF_Core_reads_it()
    {
        var user = await app.CreateUserAsync();
        await app.QueryAsync(db => db.Database.ExecuteSqlAsync(
            $"UPDATE user_profiles SET image_key = 'a/key', image_url = '/an/address' WHERE user_id = {user.Id}", Cancellation));
        await ShouldBeEqualAsync(user, isComplete: false);
    }

    [Fact]
    public async Task Another_user_s_session_is_not_found()
    {
        var (one, two) = (await app.CreateUserAsync(), await app.CreateUserAsync());
        (await FindAsync(one.Id, one.SessionId)).ShouldNotBeNull();
        (await FindAsync(one.Id, two.SessionId)).ShouldBeNull();
        (await FindAsync(two.Id, one.SessionId)).ShouldBeNull();
    }

    [Fact]
    public async Task A_disabled_user_is_not_found()
    {
        var user = await app.CreateUserAsync();
        (await FindAsync(user.Id, user.SessionId)).ShouldNotBeNull();
        await app.QueryAsync(db => db.Users.Where(u => u.Id == user.Id)
            .ExecuteUpdateAsync(u => u.SetProperty(x => x.DisabledAt, DateTime.UnixEpoch), Cancellation));
        (await FindAsync(user.Id, user.SessionId)).ShouldBeNull();
    }

    [Fact, Trait("Database", "Sqlite")]
    public async Task A_read_waits_while_another_connection_has_locked_the_file()
    {
        var file = Path.Combine(TemporaryDirectory.Make("locked"), "profiles.db");
        using var engine = new SqliteEngine($"Data Source={file}", TimeSpan.FromSeconds(30));
        await engine.MigrateAsync(Cancellation);
        // With the write-ahead log readers meet no lock, except for moments that no test can hold.
        using (SqliteFaultTests.Open(file, "PRAGMA journal_mode=DELETE"))
        {
        }
        Task<SessionUser?> read;
        using (SqliteFaultTests.Open(file, "BEGIN EXCLUSIVE"))
        {
            read = engine.FindUserAsync(1, 1, Cancellation).AsTask();
            await Task.Delay(300, Cancellation);
            read.IsCompleted.ShouldBeFalse($"{read.Exception}");
        }
        (await read).ShouldBeNull();
    }

    async Task ShouldBeEqualAsync(TestUser user, bool isComplete)
    {
        var found = (await FindAsync(user.Id, user.SessionId))!;
        await app.QueryAsync(async db =>
        {
            var expected = (await db.FindUserAsync(user.Id, Cancellation))!;
            found.Device.ShouldBe(isComplete ? "A device" : null);
            var columns = Compare(db.Model.FindEntityType(typeof(User))!, found.User, expected)
                + Compare(db.Model.FindEntityType(typeof(UserProfile))!, found.User.Profile, expected.Profile);
            columns.ShouldBeGreaterThanOrEqualTo(20);
            found.User.Profile.Image.ShouldBe(expected.Profile.Image);
            (found.User.Profile.Image is not null).ShouldBe(isComplete);
            return 0;
        });

        int Compare(IEntityType type, object read, object expected)
        {
            foreach (var property in type.GetProperties())
            {
                var value = property.GetGetter().GetClrValue(read);
                value.ShouldBe(property.GetGetter().GetClrValue(expected), property.Name);
                if (value is DateTime time)
                    time.Kind.ShouldBe(DateTimeKind.Utc, property.Name);
                if (isComplete && !IsDisabledAt(property))
                    value.ShouldNotBe(property.ClrType.IsValueType ? Activator.CreateInstance(property.ClrType) : null, property.Name);
            }
            return type.GetProperties().Count();
        }
    }

    // The query finds nothing where it is set.
    static bool IsDisabledAt(IProperty property) => property.Name == nameof(User.DisabledAt);

    async Task<SessionUser?> FindAsync(long id, long sessionId) =>
        await app.Services.GetRequiredService<DatabaseEngine>().FindUserAsync(id, sessionId, Cancellation);

    // Unique, and no type's default.
    static object ValueFor(IProperty property) => (Nullable.GetUnderlyingType(property.ClrType) ?? property.ClrType) switch
    {
        var type when type == typeof(string) => $"{Guid.NewGuid():N}"[..Math.Min(property.GetMaxLength() ?? 32, 32)],
        var type when type == typeof(long) => 7_000_000_000L,
        var type when type == typeof(int) => 7,
        var type when type == typeof(bool) => true,
        var type when type == typeof(DateTime) => new DateTime(2026, 3, 29, 1, 30, 0, 123, 456, DateTimeKind.Utc),
        var type when type == typeof(DateOnly) => new DateOnly(1990, 5, 17),
        var type => throw new NotSupportedException($"{property.Name} has a type without a value here: {type}."),
    };
}
