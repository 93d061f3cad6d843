using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Profiles.Data;

namespace Profiles.Infrastructure.Outbox;

/// <summary>The entries of one handler. Lanes do not wait for each other.</summary>
/// <param name="Handler">The type of the <see cref="IOutboxHandler"/>.</param>
/// <param name="Stores">The stores of its entries.</param>
/// <param name="Grace">How long an attempt may take before another instance retries the entry.</param>
/// <param name="Concurrency">The number of entries that are handled at a time.</param>
/// <param name="Retries">How long after each failed attempt the next begins; null to double the grace.</param>
/// <param name="Keys">
/// Keys, of entries with a payload, that do not wait for each other either; null when all entries share the lane.
/// </param>
sealed record OutboxLane(
    Type Handler, IReadOnlyList<OutboxStore> Stores, TimeSpan Grace, int Concurrency, IReadOnlyList<TimeSpan>? Retries,
    Func<IReadOnlyList<string>>? Keys);

/// <summary>Registers handlers of the outbox and the service that calls them.</summary>
static class OutboxSetup
{
    public static IServiceCollection AddOutboxHandler<THandler>(
        this IServiceCollection services, OutboxStore[] stores, Func<IServiceProvider, TimeSpan> grace, int concurrency = 1,
        IReadOnlyList<TimeSpan>? retries = null, Func<IServiceProvider, IReadOnlyList<string>>? keys = null)
        where THandler : class, IOutboxHandler
    {
        services.TryAddSingleton<OutboxSignal>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IInterceptor, OutboxSignal>(p => p.GetRequiredService<OutboxSignal>()));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, OutboxService>());
        services.TryAddScoped<THandler>();
        return services.AddSingleton(
            p => new OutboxLane(typeof(THandler), stores, grace(p), concurrency, retries, keys is null ? null : () => keys(p)));
    }
}
