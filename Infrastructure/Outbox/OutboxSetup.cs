using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Profiles.Data;

namespace Profiles.Infrastructure.Outbox;

/// <summary>The entries of one handler. Those of others do not wait for them.</summary>
/// <param name="Handler">Its type, an <see cref="IOutboxHandler"/>.</param>
/// <param name="Stores">What they are about.</param>
/// <param name="Grace">How long an attempt may take: after that another takes the entry up.</param>
/// <param name="AtOnce">How many are settled at a time.</param>
sealed record OutboxLane(Type Handler, IReadOnlyList<OutboxStore> Stores, TimeSpan Grace, int AtOnce);

/// <summary>Registers handlers of the outbox, and what calls them.</summary>
static class OutboxSetup
{
    public static IServiceCollection AddOutboxHandler<THandler>(
        this IServiceCollection services, OutboxStore[] stores, Func<IServiceProvider, TimeSpan> grace, int atOnce = 1)
        where THandler : class, IOutboxHandler
    {
        services.TryAddSingleton<OutboxSignal>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IInterceptor, OutboxSignal>(p => p.GetRequiredService<OutboxSignal>()));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, OutboxService>());
        services.TryAddScoped<THandler>();
        return services.AddSingleton(p => new OutboxLane(typeof(THandler), stores, grace(p), atOnce));
    }
}
