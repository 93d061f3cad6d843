using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Profiles.Data;
using Profiles.Data.PostgreSql;
using Profiles.Data.Sqlite;
using Profiles.Infrastructure.SecurityEvents;

namespace Profiles.Tests.Infrastructure.SecurityEvents;

/// <summary>A service in which a test runs code right before security events are saved.</summary>
public sealed class InterruptedFixture : ProfilesFixture
{
    internal Interruption Interruption => Services.GetRequiredService<Interruption>();

    protected override void ConfigureServices(IServiceCollection s)
    {
        base.ConfigureServices(s);
        var interruption = new Interruption();
        s.AddSingleton(interruption);
        s.ConfigureDbContext<SqliteProfilesDbContext>(o => o.AddInterceptors(interruption));
        s.ConfigureDbContext<PostgreSqlProfilesDbContext>(o => o.AddInterceptors(interruption));
    }
}

sealed class Interruption : SaveChangesInterceptor
{
    Func<Task>? next;

    public void Do(Func<Task> what) => next = what;

    public override async ValueTask<InterceptionResult<int>> SavingChangesAsync(
        DbContextEventData eventData, InterceptionResult<int> result, CancellationToken cancellationToken = default)
    {
        if (eventData.Context!.ChangeTracker.Entries<SecurityEvent>().Any() && Interlocked.Exchange(ref next, null) is { } what)
            await what();
        return result;
    }
}

public sealed class SecurityEventWriterTests(InterruptedFixture app) : TestBase<InterruptedFixture>
{
    [Fact]
    public async Task An_account_deleted_meanwhile_loses_its_event_and_no_other_event_is_lost()
    {
        var (gone, stays) = (await app.CreateUserAsync(), await app.CreateUserAsync());
        while (await app.QueryAsync(db => db.Outbox.AnyAsync(Cancellation)))
            await Task.Delay(50, Cancellation);
        app.Interruption.Do(() => app.QueryAsync(db => db.Users.Where(u => u.Id == gone.Id).ExecuteDeleteAsync(CancellationToken.None)));
        var writer = app.Services.GetRequiredService<SecurityEventWriter>();
        foreach (var user in new[] { stays, gone, stays })
            writer.TryWrite(new() { UserId = user.Id, Kind = SecurityEventKind.LoginFailed, At = app.Clock.GetUtcNow().UtcDateTime })
                .ShouldBeTrue();
        for (var patience = 0; patience < 200 && await CountAsync() < 2; patience++)
            await Task.Delay(50, Cancellation);
        (await CountAsync()).ShouldBe(2);
        (await app.QueryAsync(db => db.Users.CountAsync(u => u.Id == gone.Id))).ShouldBe(0);

        Task<int> CountAsync() =>
            app.QueryAsync(db => db.SecurityEvents.CountAsync(e => e.UserId == stays.Id && e.Kind == SecurityEventKind.LoginFailed));
    }
}
