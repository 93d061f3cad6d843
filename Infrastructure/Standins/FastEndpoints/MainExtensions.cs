using System.Reflection;
using FluentValidation;
using FluentValidation.Internal;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using JsonOptions = Microsoft.AspNetCore.Http.Json.JsonOptions;

namespace FastEndpoints;

sealed record EndpointTypes(IReadOnlyList<Type> Endpoints, IReadOnlyList<Type> Validators);

/// <summary>Finds the endpoints and maps them as minimal API routes.</summary>
public static class MainExtensions
{
    /// <summary>The services of the application that mapped its endpoints last, as in the real package.</summary>
    internal static IServiceProvider? ApplicationServices { get; private set; }

    /// <summary>Finds endpoints and validators in the entry assembly of the caller.</summary>
    public static IServiceCollection AddFastEndpoints(this IServiceCollection services)
    {
        var types = AppDomain.CurrentDomain.GetAssemblies()
            .Where(a => !a.IsDynamic && a.GetReferencedAssemblies().Any(r => r.Name == typeof(MainExtensions).Assembly.GetName().Name))
            .SelectMany(a => a.GetTypes())
            .Where(t => t is { IsClass: true, IsAbstract: false, IsGenericTypeDefinition: false })
            .ToArray();
        return services.AddSingleton(new EndpointTypes(
            [.. types.Where(t => t.IsSubclassOf(typeof(BaseEndpoint))).OrderBy(t => t.FullName, StringComparer.Ordinal)],
            [.. types.Where(t => Ancestor(t, typeof(Validator<>)) is not null)]));
    }

    /// <summary>Maps every endpoint.</summary>
    public static IApplicationBuilder UseFastEndpoints(this IApplicationBuilder app, Action<Config>? configAction = null)
    {
        var routes = (IEndpointRouteBuilder)app;
        ApplicationServices = routes.ServiceProvider;
        configAction?.Invoke(Config.Current);
        UseNamingPolicy(routes.ServiceProvider);
        var found = routes.ServiceProvider.GetRequiredService<EndpointTypes>();
        using var scope = routes.ServiceProvider.CreateScope();
        foreach (var type in found.Endpoints)
        {
            var factory = ActivatorUtilities.CreateFactory(type, Type.EmptyTypes);
            var endpoint = (BaseEndpoint)factory(scope.ServiceProvider, null);
            endpoint.Definition = Define(type, found, routes.ServiceProvider);
            endpoint.Configure();
            Config.Current.Endpoints.Configurator?.Invoke(endpoint.Definition);
            Map(routes, endpoint.Definition, factory);
        }
        return app;
    }

    static void UseNamingPolicy(IServiceProvider services)
    {
        if (services.GetRequiredService<IOptions<JsonOptions>>().Value.SerializerOptions.PropertyNamingPolicy is not { } policy)
            return;
        ValidatorOptions.Global.PropertyNameResolver = (_, member, expression) =>
            member is null ? null : policy.ConvertName(expression is null ? member.Name : PropertyChain.FromExpression(expression).ToString());
    }

    static EndpointDefinition Define(Type type, EndpointTypes found, IServiceProvider services)
    {
        var arguments = Ancestor(type, typeof(Endpoint<,>))!.GetGenericArguments();
        var withoutRequest = arguments[0] == typeof(EmptyRequest);
        Type[] parameters = withoutRequest ? [typeof(CancellationToken)] : [arguments[0], typeof(CancellationToken)];
        if (type.GetMethod("ExecuteAsync", parameters)!.DeclaringType!.Assembly == typeof(MainExtensions).Assembly)
            throw new InvalidOperationException($"{type.Name} must implement ExecuteAsync; the stand-in knows no HandleAsync.");
        var validator = found.Validators.SingleOrDefault(v => Ancestor(v, typeof(Validator<>))!.GetGenericArguments()[0] == arguments[0]);
        return new(type, arguments[0], arguments[1])
        {
            Validator = validator is null ? null : (IValidator)ActivatorUtilities.CreateInstance(services, validator),
        };
    }

    static void Map(IEndpointRouteBuilder routes, EndpointDefinition definition, ObjectFactory factory)
    {
        for (var i = 0; i < definition.Routes.Length; i++)
        {
            var builder = routes.MapMethods(definition.Routes[i], definition.Verbs, (Delegate)((HttpContext context) => RunAsync(context, definition, factory)));
            builder.WithName(Config.Current.Endpoints.NameGenerator(new(definition.EndpointType, definition.Routes.Length > 1 ? i + 1 : null)));
            builder.WithMetadata(definition);
            if (definition.AnonymousVerbs is not null)
                builder.AllowAnonymous();
            else
                builder.RequireAuthorization([new AuthorizeAttribute(), .. (definition.PreBuiltUserPolicies ?? []).Select(p => new AuthorizeAttribute(p))]);
            if (definition.FormDataContentType is { } form)
                builder.Accepts<object>(form);
            else if (definition.ReqDtoType != typeof(EmptyRequest))
                builder.Accepts(definition.ReqDtoType, "application/json");
            if (definition.Validator is not null && Config.Current.Errors.ProducesMetadataType is { } failure)
                builder.Produces(Config.Current.Errors.StatusCode, failure, Config.Current.Errors.ContentType);
            builder.Add(b => AddResponses(b, definition.ResDtoType));
            definition.Conventions?.Invoke(builder);
        }
    }

    static async Task RunAsync(HttpContext context, EndpointDefinition definition, ObjectFactory factory)
    {
        if (definition.MaxRequestSize is { } size && context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = size;
        var endpoint = (BaseEndpoint)factory(context.RequestServices, null);
        endpoint.Definition = definition;
        endpoint.HttpContext = context;
        await endpoint.RunAsync(context);
    }

    static void AddResponses(EndpointBuilder builder, Type response)
    {
        if (!response.IsAssignableTo(typeof(IEndpointMetadataProvider)))
            return;
        // The types of a union say their own statuses through a static interface member.
        typeof(MainExtensions).GetMethod(nameof(Populate), BindingFlags.NonPublic | BindingFlags.Static)!
            .MakeGenericMethod(response).Invoke(null, [builder]);
    }

    static void Populate<T>(EndpointBuilder builder) where T : IEndpointMetadataProvider =>
        T.PopulateMetadata(typeof(MainExtensions).GetMethod(nameof(Populate), BindingFlags.NonPublic | BindingFlags.Static)!, builder);

    static Type? Ancestor(Type? type, Type definition)
    {
        while (type is not null && !(type.IsGenericType && type.GetGenericTypeDefinition() == definition))
            type = type.BaseType;
        return type;
    }
}
