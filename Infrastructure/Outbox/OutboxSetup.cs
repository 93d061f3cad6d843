using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Profiles.Data;

namespace Profiles.Infrastructure.Outbox;

/// <summary>The entries of one handler. Lanes do not wait for each other.</summary>
/// <param name="Handler">The type of the <see cref="IOutboxHandler"/>.</param>
/// <param name="Stores">The stores of its entries.</param>
/// <param name="Grace">How long an attempt may take before another instance retries the entry.</param>
/// <param name="Concurrency">The number of entries that are handled at a time.</param>
sealed record OutboxLane(Type Handler, IReadOnlyList<OutboxStore> Stores, TimeSpan Grace, int Concurrency);

/// <summary>Registers handlers of the outbox and the service that calls them.</summary>
static class OutboxSetup
{
    public static IServiceCollection AddOutboxHandler<THandler>(
        this IServiceCollection services, OutboxStore[] stores, Func<IServiceProvider, TimeSpan> grace, int concurrency = 1)
        where THandler : class, IOutboxHandler
    {
        services.TryAddSingleton<OutboxSignal>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IInterceptor, OutboxSignal>(p => p.GetRequiredService<OutboxSignal>()));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, OutboxService>());
        services.TryAddScoped<THandler>();
        return services.AddSingleton(p => new OutboxLane(typeof(THandler), stores, grace(p), concurrency));
    }
}
